"""A Marathon that only says what the bench tells it: as a process of its own, commanded over its standard input.

`python -m bench.marathon PORT APPS TASKS_EACH LIVE_APPS`. A command is one JSON line `{"app": n, "add": {...}}`
or `{"app": n, "kill": "task id"}`; the answer is the monotonic time (seconds) just before the event was sent.
"""

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import unquote

from bench.cluster import BenchApp, BenchTask, app_id, make_apps, status_update


class BenchMarathon:
    """Answers the three requests that a balancer makes, as fast as a small server can."""

    def __init__(self, apps: list[BenchApp]) -> None:
        self.apps = {app.id: app for app in apps}
        self.streams: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = unquote(head.split(b" ", 2)[1].decode()).partition("?")[0]
                if path == "/v2/events":
                    await self._stream(writer)
                    return
                writer.write(self._answer(path))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other side, or the bench, has come to its end
        finally:
            writer.close()

    def _answer(self, path: str) -> bytes:
        body: dict[str, Any]
        if path == "/v2/apps":
            status, body = "200 OK", {"apps": [app.json() for app in self.apps.values()]}
        elif app := self.apps.get("/" + path.removeprefix("/v2/apps").strip("/")):
            status, body = "200 OK", {"app": app.json()}
        else:
            status, body = "404 Not Found", {"message": f"App '{path}' does not exist"}
        text = json.dumps(body, separators=(",", ":")).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        return head.encode() + text

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\nConnection: close\r\n\r\n")
        self.streams.add(writer)
        try:
            while not writer.is_closing():
                writer.write(b"\r\n")
                await writer.drain()
                await asyncio.sleep(10)
        finally:
            self.streams.discard(writer)

    def carry_out(self, line: str) -> float:
        """Change an app and tell it; returns when the telling began."""
        command = json.loads(line)
        app = self.apps[app_id(command["app"])]
        if added := command.get("add"):
            task, state = BenchTask(**added), "TASK_RUNNING"
            app.tasks.append(task)
        else:
            task = next(task for task in app.tasks if task.id == command["kill"])
            state = "TASK_KILLING"
            app.tasks.remove(task)
        data = json.dumps(status_update(app, task, state), separators=(",", ":"))
        frame = f"event: status_update_event\r\ndata: {data}\r\n\r\n".encode()
        sent_s = time.monotonic()
        for stream in self.streams:
            stream.write(frame)
        return sent_s


async def main(port: int, apps: int, tasks_each: int, live_apps: int) -> None:
    marathon = BenchMarathon(make_apps(apps, tasks_each, live_apps))
    server = await asyncio.start_server(marathon.serve, "127.0.0.1", port, limit=1 << 16)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := await commands.readline():
        sys.stdout.write(f"{marathon.carry_out(line.decode())!r}\n")
        sys.stdout.flush()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(*(int(argument) for argument in sys.argv[1:])))
