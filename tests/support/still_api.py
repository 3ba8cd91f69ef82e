"""The local scheduler's API over a world that stands still between calls: no event loop, no sockets, no clock.

A handler that only decides never waits, so that its coroutine runs to its end in one go. Time passes and tasks come
and go when the world is told so.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import unquote

from starlette.applications import Starlette

from milepost.local.api.application import application
from milepost.local.control.application import control
from milepost.local.engine import Engine
from milepost.local.faults import Faults
from milepost.local.hub import Hub, frame
from milepost.local.outages import Outages
from milepost.local.runtimes.chosen import Images
from milepost.local.runtimes.sandboxes import Sandboxes
from milepost.local.scheduler.cluster import Chance, Cluster, Deployment, Record
from milepost.local.scheduler.effects import EmitEvent, Message, TaskEnded
from milepost.local.scheduler.react import react
from milepost.local.scheduler.turn import Turn
from support.local_world import World

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
Headers = Mapping[str, str]


class StillEngine(Engine):
    """Commands the world's cluster; what is to be done waits in the world. `frames` is what a listener would get."""

    def __init__(self, world: World) -> None:
        self.cluster, self.hub, self.faults = world.cluster, Hub(), Faults()
        self.framework_id, self._world = "milepost-still", world

    def command(self, function: Callable[Concatenate[Turn, P], ResultT], *args: P.args, **kwargs: P.kwargs) -> ResultT:
        return self._world.command(function, *args, **kwargs)

    def tell(self, message: Message) -> None:
        self._world.command(react, message)

    def crash(self, task_id: str) -> bool:
        found = self.runs(task_id)
        if found:
            self.tell(TaskEnded(task_id, -9, "Command terminated with signal Killed"))
        return found

    def runs(self, task_id: str) -> bool:
        instance = self.cluster.instance_of(task_id)
        return instance is not None and instance.is_active and instance.task_id == task_id

    def probe_now(self, name: str | None = None) -> None:
        """No task of this world is asked how it is."""

    def emit(self, event: EmitEvent) -> None:
        self._world.events.append(event)


class _NoLeaderLost(Outages):
    """Nobody is listening whom an outage would cut off."""

    def lose_leader(self, seconds: float) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        """Strictly read: no NaN, no Infinity."""
        return json.loads(self.body, parse_constant=_no_number)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


class StillApi:
    """The whole API, `/local` included, of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = StillEngine(world)
        self.abdications = 0
        self._app = application(self.engine, "127.0.0.1:8080", self._abdicate)
        images = Images(Sandboxes(Path("/nowhere")), None, "no task of this world is a process")
        self._app.mount("/local", control(self.engine, images, _NoLeaderLost(self.engine.hub)))

    def ask(self, method: str, target: str, body: object = None, headers: Headers | None = None) -> Answer:
        """`body` goes as it is if it is bytes, else as JSON. What a handler raises comes through."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        return _finished(_answer(self._app, method, target, data, headers or {}))

    def _abdicate(self) -> None:
        self.abdications += 1


async def _answer(app: Starlette, method: str, target: str, body: bytes, headers: Headers) -> Answer:
    path, _, query = target.partition("?")
    given = {"host": "local", "content-length": str(len(body)), **headers}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
    }
    incoming = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        return next(incoming, {"type": "http.disconnect"})

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]  # what is read of these is there
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], {k.decode(): v.decode("latin-1") for k, v in sent[0]["headers"]}, content)


def _finished(work: Awaitable[Answer]) -> Answer:
    try:
        work.__await__().send(None)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    raise AssertionError("the handler waits for something")


def frames(event: EmitEvent) -> list[Mapping[str, Any]]:
    """The bodies that listeners of both kinds would get, strictly read."""
    found = []
    for light in (False, True):
        lines = frame(event, light=light).decode().split("\r\n")
        assert lines[0] == f"event: {event.type}"
        assert lines[2:] == ["", ""]
        found.append(json.loads(lines[1].removeprefix("data: "), parse_constant=_no_number))
    return found


def frozen(value: Any) -> Any:
    """A copy of a cluster's state that compares equal as long as nothing in it was changed."""
    if isinstance(value, Cluster | Record | Deployment):
        named = ((each.name, getattr(value, each.name)) for each in fields(value))
        return {name: frozen(member) for name, member in named if name not in ("document", "homes")}
    if is_dataclass(value) or isinstance(value, Chance):
        return value
    if isinstance(value, Mapping):
        return {key: frozen(member) for key, member in value.items()}
    if isinstance(value, set):
        return frozenset(value)
    return [frozen(member) for member in value] if isinstance(value, list) else value
