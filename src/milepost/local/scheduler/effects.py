"""What the scheduler wants done (effects), and what it is told (messages). Frozen values; times in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from milepost.local.apps.definition import Definition, HealthCheck
from milepost.local.apps.readiness import ReadinessCheck
from milepost.local.scheduler.readiness import Answer
from milepost.local.scheduler.saved import SavedDeployment, Setback
from milepost.local.scheduler.tree import GroupChanges, Trees


@dataclass(frozen=True, slots=True)
class LaunchTask:
    """Run the task at `node`, an address of this machine, with these host ports. Answered by messages about it.

    A task that runs already, a `Survivor`, is taken over.
    """

    task_id: str
    definition: Definition
    node: str
    ports: tuple[int, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Survivor:
    """A task that an earlier scheduler has launched and that still runs."""

    task_id: str
    definition: Definition
    node: str
    ports: tuple[int, ...]
    staged_at_s: float


@dataclass(frozen=True, slots=True)
class KillTask:
    """Ask the task to end; end it by force after `grace_s`."""

    task_id: str
    grace_s: float


@dataclass(frozen=True, slots=True)
class DropTask:
    """End the task at once, as if its node had lost power. What is told of it then concerns nobody any more."""

    task_id: str


@dataclass(frozen=True, slots=True)
class ProbeHealth:
    """Run check number `index` of the task once, `after_s` from now. `port` is None for COMMAND."""

    task_id: str
    index: int
    check: HealthCheck
    node: str
    port: int | None
    after_s: float


@dataclass(frozen=True, slots=True)
class ProbeReadiness:
    """Ask the task once whether it is ready, `after_s` from now."""

    task_id: str
    check: ReadinessCheck
    node: str
    port: int
    after_s: float


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send `LaunchDue(app_id, at_s)` at `at_s`."""

    app_id: str
    at_s: float


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """One event for the stream. `body` is complete but for `trees` (marathon-api 11.4)."""

    type: str
    body: Mapping[str, Any]
    trees: Trees | None = None


@dataclass(frozen=True, slots=True)
class SaveChange:
    """Keep over a restart that these apps and groups are so from `version` on; None for what is gone."""

    version: str
    apps: Mapping[str, Definition | None]
    groups: GroupChanges


@dataclass(frozen=True, slots=True)
class SaveDeployment:
    """Go on with this deployment after a restart, from this step on."""

    deployment: SavedDeployment


@dataclass(frozen=True, slots=True)
class ForgetDeployment:
    """It is over."""

    deployment_id: str


@dataclass(frozen=True, slots=True)
class SaveSetback:
    """Keep over a restart what went wrong with this app."""

    app_id: str
    setback: Setback


Save = SaveChange | SaveDeployment | ForgetDeployment | SaveSetback
Effect = LaunchTask | KillTask | DropTask | ProbeHealth | ProbeReadiness | WakeAt | EmitEvent | Save


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """The task runs; `note` says what runs it, "" where that is plain."""

    task_id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """No process of the task is left. `status` is its exit status, negative for the signal that ended it."""

    task_id: str
    status: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class PortTaken:
    """The task was not started: somebody else on this machine holds the host port."""

    task_id: str
    port: int


@dataclass(frozen=True, slots=True)
class Probed:
    """The outcome of a probe: `failure` says what went wrong, None for success."""

    task_id: str
    index: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class ReadinessHeard:
    """What the task answered when it was asked whether it is ready."""

    task_id: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class LaunchDue:
    """A launch that was delayed may be possible now: the answer to `WakeAt(app_id, at_s)`."""

    app_id: str
    at_s: float


Message = TaskStarted | TaskEnded | PortTaken | Probed | ReadinessHeard | LaunchDue
