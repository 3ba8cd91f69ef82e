"""The scheduler's whole state: one structure, owned by the scheduler, of frozen leaves."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from milepost.local.apps.definition import Definition
from milepost.local.scheduler.backoff import Backoff
from milepost.local.scheduler.effects import Message
from milepost.local.scheduler.failure import TaskFailure
from milepost.local.scheduler.health import CheckResult, is_healthy
from milepost.local.scheduler.nodes import Node, Resources
from milepost.local.scheduler.placement import Declined
from milepost.local.scheduler.ports import Pick
from milepost.local.scheduler.readiness import Readiness
from milepost.local.scheduler.rollout import Rollout
from milepost.local.scheduler.saved import VERSIONS_KEPT
from milepost.local.scheduler.steps import Step
from milepost.local.scheduler.tree import Dependencies, GroupChanges, Tree, Trees, regrouped

STAGING, RUNNING, KILLING = "TASK_STAGING", "TASK_RUNNING", "TASK_KILLING"
UNREACHABLE = "TASK_UNREACHABLE"
ACTIVE = frozenset({STAGING, "TASK_STARTING", RUNNING, KILLING, UNREACHABLE})
STOPPED, PARTITIONED = "stopped", "partitioned"  # what may be wrong with a node


@dataclass(frozen=True, slots=True)
class Instance:
    """A place for a task, kept over relaunches. Its task is number `incarnation`.

    `state` is the task's, "" before the first launch. `waits` tells that a launch is to come; a `leaving` instance
    goes away with its task. `health_reason` is set when it is killed for its health. An `inactive` one has been
    unreachable, since `lost_at_s`, for long enough to be replaced. `readiness` is None unless a deployment waits for
    the task to be ready.
    """

    id: str
    definition: Definition
    incarnation: int = 0
    state: str = ""
    node: str = ""
    ports: tuple[int, ...] = ()
    staged_at_s: float = 0.0
    started_at_s: float | None = None
    results: tuple[CheckResult | None, ...] = ()
    waits: bool = True
    waits_since_s: float = 0.0
    leaving: bool = False
    health_reason: str = ""
    lost_at_s: float = 0.0
    inactive: bool = False
    readiness: Readiness | None = None

    @property
    def task_id(self) -> str:
        return f"{self.id}._app.{self.incarnation}"

    @property
    def is_active(self) -> bool:
        """A process exists, or is about to."""
        return self.state in ACTIVE

    @property
    def healthy(self) -> bool | None:
        """Aggregate of the checks; None while unknown or without checks."""
        return is_healthy(self.results) if self.results else None

    @property
    def is_good(self) -> bool:
        """Counts for a deployment: it runs, its checks, if any, are passed, and it is ready (marathon-api 10.2)."""
        is_ready = self.readiness is None or self.readiness.ready
        return self.state == RUNNING and is_ready and (not self.results or self.healthy is True)


@dataclass(slots=True)
class Record:
    """One app: what was asked for, and what exists. `definition` is None once it was deleted.

    `goal` is what the scheduler works towards now: a deployment's step moves it to `definition`.
    `document` is `definition` as JSON, made once. `declined` tells why no node took its latest task, if none did.
    """

    id: str
    definition: Definition | None = None
    document: dict[str, Any] = field(default_factory=dict)
    versions: tuple[Definition, ...] = ()
    goal: Definition | None = None
    rollout: Rollout | None = None
    instances: dict[str, Instance] = field(default_factory=dict)
    backoff: Backoff = field(default_factory=Backoff)
    last_failure: TaskFailure | None = None
    wake_at_s: float | None = None
    declined: tuple[Declined, ...] = ()
    declined_at_s: float = 0.0

    @property
    def staying(self) -> list[Instance]:
        """Instances that are not on their way out, and not given up."""
        return [each for each in self.instances.values() if not each.leaving and not each.inactive]

    def define(self, definition: Definition | None) -> None:
        """Take over a new definition and remember it as a version."""
        self.definition = definition
        self.document = definition.document() if definition else {}
        if definition:
            self.versions = (definition, *self.versions)[:VERSIONS_KEPT]


@dataclass(slots=True)
class Deployment:
    """A plan under way. `current` counts from 1; 0 before the first step. `before` and `groups_before` hold
    what the plan changes.
    `undone` are the apps whose action in the step under way is not done yet; done once is done for good.
    `shown_steps` are the steps as JSON, made once: every event has them, and a long chain has very many."""

    id: str
    version: str
    steps: tuple[Step, ...]
    before: Mapping[str, Definition | None]
    groups_before: GroupChanges
    trees: Trees
    current: int = 0
    step_began_s: float = 0.0
    undone: set[str] = field(default_factory=set)
    shown_steps: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def app_ids(self) -> list[str]:
        return sorted({action.app_id for step in self.steps for action in step})

    @property
    def step(self) -> Step:
        """The step under way, empty before the first."""
        return self.steps[self.current - 1] if self.current else ()


@dataclass(frozen=True, slots=True)
class Chance:
    """Where what cannot be known in advance comes from: new ids, random picks."""

    new_id: Callable[[], str]
    pick: Pick


@dataclass(slots=True)
class Cluster:
    """`nodes` are those that tasks may land on. `homes` finds an instance's record, `locks` a deployment by app.

    By a node's address: `used_ports` are the host ports of our own tasks, `foreign_ports` those seen in other hands,
    `used` the resources that our tasks take; `down` tells what is wrong with a node, `unheard` what happened to its
    tasks while it could not be reached, and `orphans` are tasks there that were given up meanwhile.
    `groups` are all groups but the root, with what they depend on; `history` holds the latest trees, the newest first.
    """

    nodes: tuple[Node, ...]
    chance: Chance
    records: dict[str, Record] = field(default_factory=dict)
    homes: dict[str, Record] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    locks: dict[str, str] = field(default_factory=dict)
    service_ports: Counter[int] = field(default_factory=Counter)
    used_ports: dict[str, set[int]] = field(default_factory=dict)
    foreign_ports: dict[str, set[int]] = field(default_factory=dict)
    used: dict[str, Resources] = field(default_factory=dict)
    tasks_on: Counter[str] = field(default_factory=Counter)
    down: dict[str, str] = field(default_factory=dict)
    unheard: dict[str, list[Message]] = field(default_factory=dict)
    orphans: dict[str, list[str]] = field(default_factory=dict)
    starved: set[str] = field(default_factory=set)
    version: str = ""
    groups: dict[str, Dependencies] = field(default_factory=dict)
    history: tuple[Tree, ...] = ()

    def apps(self) -> Iterator[Record]:
        """All apps that exist for the API."""
        return (record for record in self.records.values() if record.definition)

    def app(self, app_id: str) -> Record | None:
        record = self.records.get(app_id)
        return record if record and record.definition else None

    def deployment_of(self, app_id: str) -> Deployment | None:
        """The deployment that holds the app."""
        return self.deployments.get(self.locks.get(app_id, ""))

    def definitions(self) -> dict[str, Definition]:
        return {record.id: record.definition for record in self.records.values() if record.definition}

    def taken_ports(self, node: str) -> Set[int]:
        """The host ports of this address that a new task cannot have."""
        foreign = self.foreign_ports.get(node)
        own = self.used_ports.get(node, set())
        return own | foreign if foreign else own  # all nodes are asked before each launch: no copy without need

    def tree(self) -> Tree:
        """All that exists now."""
        return Tree(self.version, self.definitions(), dict(self.groups))

    def keep_tree(self) -> Tree:
        """Remember what exists now as a version of the groups."""
        tree = self.tree()
        self.history = (tree, *self.history)[:VERSIONS_KEPT]
        return tree

    def regroup(self, changes: GroupChanges, new_apps: Iterable[str]) -> None:
        """Take over changes of groups."""
        self.groups = regrouped(self.groups, changes, [record.id for record in self.apps()], new_apps)

    def instance_of(self, task_id: str) -> Instance | None:
        """The instance of a task id, whatever its incarnation (marathon-api 6.9)."""
        instance_id = task_id.partition("._app.")[0]
        home = self.homes.get(instance_id)
        return home.instances.get(instance_id) if home else None
