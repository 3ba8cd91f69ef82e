"""What the scheduler says, in milepost's own nouns. A source reports these and decides nothing.

`AppDefinition` is what an owner wrote and changes with a deployment; `Task`s come and go. The two are
kept apart because a proxy's structure depends on definitions only, and its servers on tasks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from milepost.model.problem import Problem


class NetworkMode(StrEnum):
    """How a task is reached: HOST and BRIDGE at the agent's address, CONTAINER at its own."""

    HOST = "host"
    BRIDGE = "container/bridge"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One health check of an app (marathon-api.md 5.5). Times in seconds.

    `port` is an explicit port (0 or absent in the answer gives None) and beats `port_index`, which
    counts the app's service ports.
    """

    protocol: str = "HTTP"
    path: str = "/"
    port: int | None = None
    port_index: int | None = None
    interval_s: int = 60
    timeout_s: int = 20
    grace_period_s: int = 300
    max_consecutive_failures: int = 3


@dataclass(frozen=True, slots=True)
class AppPort:
    """A port of an app that asks for traffic.

    `service_port` is None where the scheduler gave none (ip-per-task); routing then assigns one, from `number`:
    the port as the app knows it (container port, or discovery port), 0 where there is none.
    `task_port` is the position of its counterpart in `Task.ports`.
    """

    service_port: int | None
    task_port: int
    protocol: str = "tcp"
    name: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class AppDefinition:
    """What an owner asked for. The index of a port in `ports` is the {n} of `HAPROXY_{n}_...` labels.

    `is_pod`: the scheduler has it as a pod, whose endpoints are the ports and whose instances are the tasks.
    """

    id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    network: NetworkMode = NetworkMode.HOST
    ports: tuple[AppPort, ...] = ()
    health_checks: tuple[HealthCheck, ...] = ()
    is_pod: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """One instance of an app.

    `host` is the agent's name as the scheduler writes it, "" where it says none. `address` is the IP
    literal at which the task answers, None while unknown (a name that does not resolve, a container
    without address). `state` is the scheduler's word, "" where it says none. `health` holds `alive` of
    each health result, None where the answer has no results member. `unconfirmed` names the event that
    state or health come from while no read has confirmed it ("" after a read); `read` is then what was
    last read of the two, None where no read has shown the task at all.

    `staged_at` is when the scheduler launched it, in its own words ("" unknown): ISO 8601 in UTC, always as long, so
    that the later one is greater as a text. `observed_s` is when the read began, or the event was heard, that first
    told of the task at this place: seconds of the process's monotonic clock, 0 for the first read of all, less for one
    that was there before the start and is in no read.
    `was_alive`: it is not, but an earlier read reported it alive. `is_ready`: what a readiness check says of it, None
    where none speaks of it. `is_fixed`: an operator wrote down where it is; other
    tasks may be there too.
    """

    id: str
    host: str
    address: str | None
    ports: tuple[int, ...]
    state: str = "TASK_RUNNING"
    health: tuple[bool, ...] | None = None
    version: str = ""
    unconfirmed: str = ""
    read: tuple[str, tuple[bool, ...] | None] | None = None
    staged_at: str = ""
    observed_s: float = 0.0
    was_alive: bool = False
    is_fixed: bool = False
    is_ready: bool | None = None

    @property
    def has_been_alive(self) -> bool:
        """Whether any read so far reported it alive."""
        return self.was_alive or any(self.health or ()) or (self.read is not None and any(self.read[1] or ()))


@dataclass(frozen=True, slots=True)
class App:
    """A definition with its tasks. `problems` tells what of the answer could not be read.

    `last_scaling_at` is when its instances were last changed, in the scheduler's words: ISO 8601, "" unknown.
    `is_deploying`: a deployment of it runs that asks its new tasks whether they are ready.
    """

    definition: AppDefinition
    tasks: tuple[Task, ...] = ()
    instances: int = 0
    version: str = ""
    problems: tuple[Problem, ...] = ()
    last_scaling_at: str = ""
    is_deploying: bool = False

    @property
    def id(self) -> str:
        return self.definition.id


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a snapshot was published: what was heard, about which app ("" for all), and when.

    `heard_at_s` is in seconds of the process's monotonic clock: the start of "event to applied". `ended` is the task or
    instance of which it says that it is being killed or has ended, "" for none. `is_owners`: it tells of the whole app
    that it is changed, deployed or deleted.
    """

    reason: str
    app_id: str
    heard_at_s: float
    ended: str = ""
    is_owners: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """What one of several sources has in a snapshot: apps whose ids begin with `prefix`. The rest as in `Snapshot`."""

    source: str
    prefix: str
    read_at_s: float
    apps: int
    is_saved: bool = False
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All apps at one moment, in the order in which the source gave them.

    A snapshot shares each unchanged `App` object with the one before it (`shared_map.py`). `read_at_s` is the Unix time
    (seconds) of the last full read, `read_begun_s` when it began, in seconds of the process's monotonic clock. `causes`
    are what led from the snapshot before to this one. `is_saved` where no source said it since the start: it is the
    last one that was kept before. `is_lasting`: it does not get old, since it is the operator's word. `shares` has one
    for each source where it was made of several; `read_at_s` is then that of the oldest.
    """

    apps: Mapping[str, App]
    source: str
    read_at_s: float
    problems: tuple[Problem, ...] = ()
    causes: tuple[Cause, ...] = ()
    read_begun_s: float = 0.0
    is_saved: bool = False
    is_lasting: bool = False
    shares: tuple[Share, ...] = ()
