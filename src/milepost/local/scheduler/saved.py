"""What outlives the scheduler: values that are kept as they change, and that a restart begins with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from milepost.local.apps.definition import Definition
from milepost.local.scheduler.backoff import Backoff
from milepost.local.scheduler.failure import TaskFailure
from milepost.local.scheduler.steps import Step
from milepost.local.scheduler.tree import Dependencies, Tree

VERSIONS_KEPT = 50  # of each app, and of the tree


@dataclass(frozen=True, slots=True)
class SavedDeployment:
    """A deployment under way. What it changes is the difference of two trees: that of version `original`, and its own.

    `groups` are the ids of the groups that were asked for, `current` is the step under way, counted from 1.
    """

    id: str
    version: str
    original: str
    steps: tuple[Step, ...]
    groups: tuple[str, ...]
    current: int


@dataclass(frozen=True, slots=True)
class Setback:
    """An app's latest failure, and the delay that followed from it. Without a `failure`, only a task's end."""

    failure: TaskFailure | None
    backoff: Backoff


@dataclass(frozen=True, slots=True)
class Saved:
    """All that was kept. `apps` are the versions of each app that exists, the newest first; `history` are the kept
    trees, the newest first, with those that the deployments began from.
    """

    apps: Mapping[str, tuple[Definition, ...]] = field(default_factory=dict)
    groups: Mapping[str, Dependencies] = field(default_factory=dict)
    history: tuple[Tree, ...] = ()
    deployments: tuple[SavedDeployment, ...] = ()
    setbacks: Mapping[str, Setback] = field(default_factory=dict)

    @classmethod
    def of(cls, definitions: Iterable[Definition]) -> "Saved":
        """Nothing but these apps."""
        return cls({app.id: (app,) for app in definitions})
