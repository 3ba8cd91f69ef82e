"""A small real Marathon on a loopback port, whose answers a test scripts.

    async with FakeMarathon() as marathon:
        marathon.put(app("/web", tasks=[task("web.1", host="10.0.0.1", ports=[31001])]))
        ...                                     # point a client at marathon.url
        await marathon.streams(1)               # wait until so many event streams are open
        marathon.push("status_update_event", appId="/web", taskId="web.1", taskStatus="TASK_KILLED")
        marathon.answer("/v2/apps", Reply(503, b'{"message": "busy"}'), times=2)   # instead of the real answer
        held = marathon.hold("/v2/apps/web")    # its next answer is made, but sent only after held.set()
        marathon.drop_streams()                 # every stream is closed
        marathon.requests                       # all that was asked, in order

Answers are made from `apps` at the moment of the request, as a read of Marathon's state would be. Streams get a bare
line end every `keep_alive_s`, as from Marathon; a large value makes them silent.
"""

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import anyio

App = dict[str, Any]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  # names in lower case


@dataclass(frozen=True)
class Reply:
    """`claims` more bytes than there are makes a truncated answer; `delay_s` is waited before the first byte."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    claims: int | None = None

    def encode(self) -> bytes:
        size = len(self.body) if self.claims is None else self.claims
        lines = [f"HTTP/1.1 {self.status} Scripted", f"Content-Length: {size}"]
        lines += [f"Content-Type: {self.content_type}"] if self.content_type else []
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def json_reply(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode())


def task(task_id: str, host: str = "10.0.0.1", ports: tuple[int, ...] = (31000,), **members: Any) -> dict[str, Any]:
    """A running task; `members` in Marathon's own names."""
    return {"id": task_id, "host": host, "ports": list(ports), "state": "TASK_RUNNING", "ipAddresses": [], **members}


def app(app_id: str, tasks: list[dict[str, Any]] | None = None, **members: Any) -> App:
    """A bridge app with service port 10000, as 1.8 answers; `members` in Marathon's own names."""
    return {
        "id": app_id,
        "instances": len(tasks or []),
        "labels": {"HAPROXY_GROUP": "external"},
        "networks": [{"mode": "container/bridge"}],
        "container": {"type": "DOCKER", "portMappings": [{"containerPort": 80, "hostPort": 0, "servicePort": 10000}]},
        "version": "2024-05-01T10:00:00.000Z",
        "tasks": tasks or [],
        **members,
    }


class FakeMarathon:
    """Serves `/v2/apps`, `/v2/apps/{id}`, `/v2/events`, `/v2/info` and `/ping`; see the module.

    With `pods` (statuses by id, None for a Marathon without pods) `/v2/pods/::status` and `/v2/pods/{id}::status` too.
    """

    def __init__(self, credentials: str = "", tls: ssl.SSLContext | None = None, keep_alive_s: float = 10.0) -> None:
        self.apps: dict[str, App] = {}
        self.pods: dict[str, dict[str, Any]] | None = None
        self.requests: list[Request] = []
        self.credentials = credentials  # "user:password", asked for if not empty
        self._scripts: dict[str, list[Reply]] = {}
        self._held: dict[str, asyncio.Event] = {}
        self._streams: dict[asyncio.StreamWriter, frozenset[str]] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tls, self._keep_alive_s = tls, keep_alive_s
        self._pulse: asyncio.Task[None] | None = None
        self.keep_alives = 0  # how many were sent
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen: at first on a free port, later again on the same one."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self._pulse = asyncio.create_task(self._keep_alive())

    async def stop(self) -> None:
        """Refuse and drop all connections, as a Marathon that dies."""
        if self._server is None or self._pulse is None:
            return
        self._server.close()
        for running in (self._pulse, *self._connections):
            running.cancel()
        await asyncio.gather(self._pulse, *self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def put(self, *apps: App) -> None:
        self.apps |= {one["id"]: one for one in apps}

    def answer(self, path: str, reply: Reply, times: int = 1) -> None:
        """Answer the next `times` requests of `path` with `reply`."""
        self._scripts.setdefault(path, []).extend([reply] * times)

    def hold(self, path: str) -> asyncio.Event:
        """Hold back the next answer of `path` until the event is set; it is made when the request comes."""
        self._held[path] = asyncio.Event()
        return self._held[path]

    def push(self, event_type: str, **members: Any) -> None:
        """Send an event to every stream that asked for its type."""
        data = json.dumps({**members, "eventType": event_type, "timestamp": "2024-05-01T10:00:00.000Z"})
        self.push_raw(f"event: {event_type}\r\ndata: {data}\r\n\r\n".encode(), event_type)

    def push_raw(self, data: bytes = b"\r\n", event_type: str = "") -> None:
        """Send bytes as they are; without arguments the keep-alive of a bare line end."""
        for writer, wanted in self._streams.items():
            if not event_type or not wanted or event_type in wanted:
                writer.write(data)

    def drop_streams(self) -> None:
        for writer in self._streams:
            writer.close()

    def asked(self, path: str) -> int:
        """How often `path` was asked for."""
        return sum(request.path == path for request in self.requests)

    async def until(self, condition: Callable[["FakeMarathon"], bool], timeout_s: float = 20.0) -> None:
        """Wait until `condition` holds; it is looked at whenever something was asked or a stream came or went."""
        with anyio.fail_after(timeout_s):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def streams(self, count: int) -> None:
        """Wait until exactly `count` event streams are open."""
        await self.until(lambda fake: len(fake._streams) == count)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._keep_alive_s)
            self.push_raw()
            self.keep_alives += 1
            self._changed.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._serve(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass  # `stop` ends connections; nobody awaits this task but the server
        finally:
            self._connections.discard(connection)
            self._streams.pop(writer, None)
            self._changed.set()
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when the connection ends with it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request = _parse(head)
        self.requests.append(request)
        reply = self._reply(request)
        self._changed.set()
        if reply is None:
            await self._stream(request, reader, writer)
            return False
        if request.path in self._held:
            await self._held.pop(request.path).wait()
        await asyncio.sleep(reply.delay_s)
        writer.write(reply.encode())
        await writer.drain()
        return reply.claims is None

    def _reply(self, request: Request) -> Reply | None:
        """None for the event stream."""
        if self.credentials and request.headers.get("authorization") != _authorization(self.credentials):
            return Reply(401, b"<html>who are you?</html>", "text/html")
        scripts = self._scripts.get(request.path)
        if scripts:
            return scripts.pop(0)
        if request.path == "/v2/events":
            is_stream = request.headers.get("accept") == "text/event-stream"
            return None if is_stream else Reply(405, b"<html>no</html>", "text/html")
        return self._state(request.path)

    def _state(self, path: str) -> Reply:
        if path == "/v2/apps":
            return json_reply({"apps": list(self.apps.values())})
        if path.startswith("/v2/apps/"):
            app_id = "/" + unquote(path.removeprefix("/v2/apps/")).strip("/")
            if app_id in self.apps:
                return json_reply({"app": self.apps[app_id]})
            return json_reply({"message": f"App '{app_id}' does not exist"}, 404)
        if path.startswith("/v2/pods/") and self.pods is not None:
            return self._pods(self.pods, unquote(path.removeprefix("/v2/pods").removesuffix("::status")))
        if path == "/v2/info":
            return json_reply({"name": "marathon", "version": "1.8.222", "elected": True, "leader": f"x:{self.port}"})
        return Reply(200, b"pong", "text/plain") if path == "/ping" else json_reply({"message": "URI not found"}, 404)

    def _pods(self, pods: dict[str, dict[str, Any]], pod_id: str) -> Reply:
        if pod_id == "/":
            return json_reply(list(pods.values()))
        found = pods.get(pod_id)
        return json_reply(found) if found else json_reply({"message": f"Pod '{pod_id}' does not exist"}, 404)

    async def _stream(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Headers at once, no chunks, then what is pushed, until one side closes (marathon-api.md 11.1)."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\nConnection: close\r\n\r\n")
        self._streams[writer] = frozenset(request.query.get("event_type", ()))
        self._changed.set()
        await reader.read()


def _parse(head: str) -> Request:
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return Request(method, parts.path, parse_qs(parts.query), headers)


def _authorization(credentials: str) -> str:
    """Of `user:password`, or of `token=...` as DC/OS has it."""
    return (
        credentials if credentials.startswith("token=") else "Basic " + base64.b64encode(credentials.encode()).decode()
    )
