"""A small world for deployments in two colours: apps do what they are told at once, balancers drain by rule."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import msgspec

from milepost.compat.zdd.colours import Colour, Pair, Wish
from milepost.compat.zdd.definition import service_port
from milepost.compat.zdd.deployment import Deployment, Pace
from milepost.compat.zdd.errors import BalancerSilent, ZddError
from milepost.compat.zdd.swap import Balancer, Listener
from milepost.routing.blue_green import merge
from milepost.routing.policy import Policy
from milepost.sources.marathon import wire
from milepost.sources.marathon.translate import app_from_wire

DEFINITION: Mapping[str, Any] = {
    "id": "nginx",
    "instances": 4,
    "labels": {
        "HAPROXY_DEPLOYMENT_GROUP": "nginx",
        "HAPROXY_DEPLOYMENT_ALT_PORT": "10001",
        "HAPROXY_GROUP": "external",
    },
    "container": {"portMappings": [{"containerPort": 80, "servicePort": 10000}]},
    "networks": [{"mode": "container/bridge"}],
    "healthChecks": [{"protocol": "HTTP", "portIndex": 0}],
}
_RULE = Policy(("*",), exact=True)


@dataclass
class World:
    """`calls` are those that changed something. Sessions of drained tasks end at once unless `sessions` is not 0.

    `declines` is the number of the question that is answered with no, `silent_looks` how many looks fail at first.
    """

    balancers: int = 2
    sessions: int = 0
    is_reloading: bool = False
    knows_backend: bool = True
    silent_looks: int = 0
    declines: int = 0
    hook_fails: bool = False
    calls: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    hooked: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    _documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    _now_s: float = 0.0
    _started: int = 0
    _days: int = 0
    _is_busy: bool = False

    def deploy(self, document: Mapping[str, Any] = DEFINITION, *, dry: bool = False, **flags: Any) -> bool:
        """One run with flags as named in `Pace` and `Wish`; `calls` begins anew."""
        self.calls.clear()
        wish = {name: flags.pop(name) for name in list(flags) if name in ("complete_cur", "complete_prev", "resume")}
        return Deployment(self, self, self, Pace(**flags), Wish(**wish), is_dry=dry).run(document)

    @property
    def now(self) -> dict[str, int]:
        """Instances by app id."""
        return {app_id: document["instances"] for app_id, document in self._documents.items()}

    def labels(self, app_id: str) -> dict[str, str]:
        return dict(self._documents[app_id]["labels"])

    def port(self, app_id: str) -> int:
        return service_port(self._documents[app_id])

    def apps(self) -> Sequence[Colour]:
        return [self.app(app_id) for app_id in self._documents]

    def app(self, app_id: str) -> Colour:
        found = deepcopy(self._documents[app_id])
        is_deploying, self._is_busy = self._is_busy, False
        return Colour(app_from_wire(wire.app_decoder.decode(msgspec.json.encode(found))), found, is_deploying)

    def create(self, document: Mapping[str, Any]) -> None:
        self.calls.append(f"create {document['id']} with {document['instances']}")
        self._documents[document["id"]] = {**deepcopy(dict(document)), "tasks": []}
        self._scaled(document["id"], document["instances"])

    def delete(self, app_id: str) -> None:
        self.calls.append(f"delete {app_id}")
        del self._documents[app_id]

    def scale(self, app_id: str, instances: int) -> None:
        self.calls.append(f"scale {app_id} to {instances}")
        self._scaled(app_id, instances)
        self._is_busy = True

    def kill(self, task_ids: Sequence[str]) -> None:
        for app_id, document in self._documents.items():
            left = [task for task in document["tasks"] if task["id"] not in task_ids]
            if gone := len(document["tasks"]) - len(left):
                self.calls.append(f"kill {gone} of {app_id}")
                document["tasks"] = left
                self._scaled(app_id, document["instances"] - gone)

    def _scaled(self, app_id: str, instances: int) -> None:
        document = self._documents[app_id]
        self._days += 1
        document |= {"instances": instances, "versionInfo": {"lastScalingAt": f"2026-02-{self._days:02}T00:00:00.000Z"}}
        while len(document["tasks"]) < instances:
            self._started += 1
            port = 31_000 + self._started
            result = [{"alive": True}]
            task = {"id": f"{app_id[1:]}.{port}", "host": "10.0.0.1", "ports": [port], "healthCheckResults": result}
            document["tasks"].append(task)

    def look(self, pair: Pair) -> Sequence[Balancer]:
        if self.silent_looks:
            self.silent_looks -= 1
            raise BalancerSilent("no balancer answers")
        listeners = tuple(self._listeners()) if self.knows_backend else ()
        return [Balancer(listeners, self.is_reloading) for _ in range(self.balancers)]

    def _listeners(self) -> list[Listener]:
        merged = merge("/nginx", [colour.app for colour in self.apps()], _RULE)
        return [
            Listener(task.id, "MAINT", self.sessions, 0) if task.id in merged.drained else Listener(task.id, "UP", 9, 0)
            for task in merged.app.tasks
        ]

    def tell(self, text: str) -> None:
        self.told.append(text)

    def show(self, text: str) -> None:
        self.shown.append(text)

    def agrees(self, question: str) -> bool:
        self.asked.append(question)
        return len(self.asked) != self.declines

    def before_kill(self, pair: Pair, task_ids: Sequence[str]) -> None:
        self.hooked.append((pair.old.id, tuple(task_ids), pair.new.id))
        if self.hook_fails:
            raise ZddError("the hook failed")

    def sleep(self, seconds: float) -> None:
        self._now_s += seconds

    def now_s(self) -> float:
        return self._now_s

    def date(self) -> str:
        return f"2026-01-{len(self.shown) + 1:02}T12:00:00"


def with_blue(instances: int = 4, **world: Any) -> World:
    """A world in which the first colour is deployed."""
    found = World(**world)
    found.deploy({**DEFINITION, "instances": instances})
    found.asked.clear()
    return found
