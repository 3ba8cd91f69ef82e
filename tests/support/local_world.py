"""A world for the local scheduler's pure core: tasks are entries in a dictionary, time moves when told."""

import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from milepost.local.apps import intake
from milepost.local.apps.definition import Definition
from milepost.local.scheduler import changes
from milepost.local.scheduler.cluster import Chance, Cluster, Instance, Record
from milepost.local.scheduler.effects import (
    Effect,
    EmitEvent,
    KillTask,
    LaunchDue,
    LaunchTask,
    Message,
    Probed,
    ProbeHealth,
    ProbeReadiness,
    ReadinessHeard,
    TaskEnded,
    TaskStarted,
    WakeAt,
)
from milepost.local.scheduler.nodes import Node
from milepost.local.scheduler.react import react
from milepost.local.scheduler.readiness import Answer
from milepost.local.scheduler.turn import Turn

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
NODES = (Node("127.0.59.2"), Node("127.0.59.3"))
SLEEPER: Mapping[str, Any] = {"id": "/web", "cmd": "sleep 1000"}
CHECKED: Mapping[str, Any] = {**SLEEPER, "healthChecks": [{"path": "/"}]}

READY = Answer(200, "text/plain", "yes")


def definition(document: Mapping[str, Any]) -> Definition:
    """The app that this JSON describes, complete."""
    checked = intake.checked(document)
    return intake.create(checked, intake.named_id(checked))


class World:
    """Holds what the scheduler wants done (`pending`) until a test lets it happen. Probes succeed unless
    `failing`, and tasks are ready unless they answer as `unready` says."""

    def __init__(self, nodes: tuple[Node, ...] = NODES, seed: int = 0) -> None:
        chance = random.Random(seed)
        numbers = itertools.count()
        new_id = lambda: f"00000000-0000-1000-8000-{next(numbers):012x}"  # noqa: E731  # an id a UUID's reader takes
        self.cluster = Cluster(nodes, Chance(new_id, chance.randrange))
        self.now_s = 1_700_000_000.0
        self.events: list[EmitEvent] = []
        self.effects: list[Effect] = []
        self.launched: dict[str, LaunchTask] = {}
        self.pending: list[Effect] = []
        self.failing: dict[str, str] = {}
        self.unready: dict[str, Answer] = {}
        self.watch: Callable[[], None] = lambda: None

    def command(self, function: Callable[Concatenate[Turn, P], ResultT], *args: P.args, **kwargs: P.kwargs) -> ResultT:
        turn = Turn(self.cluster, self.now_s)
        try:
            return function(turn, *args, **kwargs)
        finally:
            self.effects += turn.effects
            self.events += [each for each in turn.effects if isinstance(each, EmitEvent)]
            for effect in turn.effects:
                if isinstance(effect, LaunchTask):
                    self.launched[effect.task_id] = effect
                if isinstance(effect, LaunchTask | KillTask | ProbeHealth | ProbeReadiness | WakeAt):
                    self.pending.append(effect)
            self.watch()

    def tell(self, message: Message) -> None:
        self.command(react, message)

    def put(self, *documents: Mapping[str, Any], force: bool = False) -> changes.Accepted:
        """Create or change apps: each document is the whole of its app."""
        apps: dict[str, Definition | None] = {app.id: app for app in map(definition, documents)}
        return self.command(changes.deploy, apps, force=force)

    def delete(self, app_id: str) -> changes.Accepted:
        return self.command(changes.deploy, {app_id: None}, force=True)

    def record(self, app_id: str = "/web") -> Record:
        return self.cluster.records[app_id]

    def definition(self, app_id: str = "/web") -> Definition:
        """What was asked for; of an app that was not deleted."""
        found = self.record(app_id).definition
        assert found is not None, f"{app_id} was deleted"
        return found

    def instances(self, app_id: str = "/web") -> list[Instance]:
        record = self.cluster.records.get(app_id)
        return list(record.instances.values()) if record else []

    def happen(self, effect: Effect) -> None:
        """Let one pending thing come true."""
        self.pending.remove(effect)
        match effect:
            case LaunchTask():
                self.tell(TaskStarted(effect.task_id))
            case KillTask():
                self.tell(TaskEnded(effect.task_id, -15, "Command terminated with signal Terminated"))
            case ProbeHealth():
                self.now_s += 0.001
                self.tell(Probed(effect.task_id, effect.index, self.failing.get(effect.task_id)))
            case ProbeReadiness():
                self.tell(ReadinessHeard(effect.task_id, self.unready.get(effect.task_id, READY)))
            case WakeAt():
                self.now_s = max(self.now_s, effect.at_s)
                self.tell(LaunchDue(effect.app_id, effect.at_s))

    def run(self, turns: int = 300, choose: Callable[[int], int] = lambda count: 0) -> None:
        """Let things happen until every deployment is done and nothing but probes is pending."""
        for _ in range(turns):
            if not self.cluster.deployments and all(isinstance(each, ProbeHealth) for each in self.pending):
                return
            self.happen(self.pending[choose(len(self.pending))])
        raise AssertionError(f"no rest after {turns} turns: {self.pending}")

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        """The bodies of all events of this type."""
        return [event.body for event in self.events if event.type == kind]
