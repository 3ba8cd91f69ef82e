"""Requests beside a measurement, from a process of its own (`bench.remote`) with the tasks that answer them.

Each connection has one request under way and asks again when it is answered, so the load can never pile up: it is what
HAProxy carries for so many connections. Clients and tasks stand for other machines and run at the lowest priority:
what they cost is not to be taken from milepost and HAProxy.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

from bench.cluster import Shape
from bench.remote import obey
from bench.tasks import END, AnsweringTasks

NICENESS = 19
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"


class Load:
    """Counts what is carried. At most `per_s` requests a second are made; 0 sets no such bound."""

    def __init__(self, per_s: float, connections: int) -> None:
        self.requests, self.errors = 0, 0
        self._pause_s = connections / per_s if per_s else 0.0

    def pause_s(self, asked_s: float) -> float:
        """How long a connection waits with its next request."""
        return asked_s + self._pause_s - time.monotonic()

    def carried(self) -> dict[str, int]:
        """Requests that were answered well, and others."""
        return {"requests": self.requests, "errors": self.errors}


class Client(asyncio.Protocol):
    """One connection. An answer fits into one packet, and so is one piece."""

    def __init__(self, load: Load) -> None:
        self._load, self._asked_s = load, 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 200") and END in data:
            self._load.requests += 1
        else:
            self._load.errors += 1
        pause_s = self._load.pause_s(self._asked_s)
        if pause_s > 0:
            asyncio.get_running_loop().call_later(pause_s, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        assert self._transport is not None
        self._asked_s = time.monotonic()
        self._transport.write(REQUEST)


async def main(
    balancer: str, shape: dict[str, Any], first: int, last: int, connections: int, requests_per_s: float
) -> None:
    """Ask the apps with numbers from `first` to before `last`, in turns over `connections` connections."""
    os.nice(NICENESS)
    apps, answering = Shape(**shape).made()[first:last], AnsweringTasks()
    for task in (task for app in apps for task in app.tasks):
        await answering.listen(task.id, task.host, task.port)
    load, loop = Load(requests_per_s, connections), asyncio.get_running_loop()
    for number in range(connections):
        await loop.create_connection(lambda: Client(load), balancer, apps[number % len(apps)].service_port)
    await obey(lambda _: load.carried())
    answering.close()


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
