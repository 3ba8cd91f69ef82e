"""A Marathon that only says what the bench tells it."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import unquote

from bench.cluster import BenchApp, BenchTask, health_status_changed, status_update


class BenchMarathon:
    """Answers the three requests that a balancer makes, as fast as a small server can."""

    def __init__(self, apps: list[BenchApp]) -> None:
        self.apps = {app.id: app for app in apps}
        self.streams: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = unquote(head.split(b" ", 2)[1].decode()).partition("?")[0]
                if path == "/v2/events":
                    await self.stream(writer)
                    return
                await self.reply(writer, path)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other side, or the bench, has come to its end
        finally:
            self._connections.discard(writer)
            writer.close()

    async def reply(self, writer: asyncio.StreamWriter, path: str) -> None:
        writer.write(self._answer(path))

    def _answer(self, path: str) -> bytes:
        body: dict[str, Any]
        if path == "/v2/apps":
            status, body = "200 OK", {"apps": [app.json() for app in self.apps.values()]}
        elif app := self.apps.get(asked := "/" + path.removeprefix("/v2/apps").strip("/")):
            status, body = "200 OK", {"app": app.json()}
        else:
            status, body = "404 Not Found", {"message": f"App '{asked}' does not exist"}
        return answer(status, json.dumps(body, separators=(",", ":")).encode())

    async def stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\nConnection: close\r\n\r\n")
        self.streams.add(writer)
        try:
            while not writer.is_closing():
                writer.write(b"\r\n")
                await writer.drain()
                await asyncio.sleep(10)
        finally:
            self.streams.discard(writer)

    async def listen(self, host: str, port: int) -> None:
        """Be there; `vanish` is the contrary, and may be followed by another `listen`."""
        self._server = await asyncio.start_server(self.serve, host, port, limit=1 << 16)

    def vanish(self) -> None:
        """Listen no more and cut every connection, as a machine that is gone."""
        if self._server:
            self._server.close()
        for connection in self._connections:
            connection.transport.abort()
        self.streams.clear()

    def cut_streams(self) -> None:
        """End all event streams, as a leader that goes: who listened has to read everything anew."""
        for stream in self.streams:
            stream.transport.abort()
        self.streams.clear()

    def add(self, app: BenchApp, task: BenchTask) -> float:
        """The task runs; returns when the telling began (monotonic seconds), as all that follow do."""
        app.tasks.append(task)
        return self.tell(app, task, "TASK_RUNNING")

    def tell(self, app: BenchApp, task: BenchTask, state: str) -> float:
        task.state = state
        return self.send("status_update_event", status_update(app, task, state))

    def remove(self, app: BenchApp, task: BenchTask, state: str) -> float:
        """The task is gone from the list, and Marathon tells its last state."""
        app.tasks.remove(task)
        return self.tell(app, task, state)

    def sicken(self, app: BenchApp, task: BenchTask) -> float:
        """The task fails its health check from now on."""
        task.alive = False
        return self.send("health_status_changed_event", health_status_changed(app, task))

    def deploy(self, app: BenchApp) -> float:
        self.apps[app.id] = app
        return self.send("api_post_event", {"appDefinition": {"id": app.id}, "eventType": "api_post_event"})

    def destroy(self, app: BenchApp) -> float:
        del self.apps[app.id]
        return self.send("app_terminated_event", {"appId": app.id, "eventType": "app_terminated_event"})

    def send(self, event_type: str, event: dict[str, Any]) -> float:
        frame = f"event: {event_type}\r\ndata: {json.dumps(event, separators=(',', ':'))}\r\n\r\n".encode()
        sent_s = time.monotonic()
        for stream in self.streams:
            stream.write(frame)
        return sent_s


def answer(status: str, body: bytes, content_type: str = "application/json") -> bytes:
    """A whole answer of HTTP/1.1."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
