"""The local scheduler for tests: its API over tasks that are no processes, and the whole of it on a loopback port."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2

from milepost.local.api.application import application
from milepost.local.engine import Engine
from milepost.local.hub import Hub
from milepost.local.probes import Prober
from milepost.local.runtimes.base import Control
from milepost.local.scheduler.cluster import Chance, Cluster
from milepost.local.scheduler.effects import LaunchTask, TaskEnded
from milepost.local.scheduler.restore import restore
from milepost.local.server import serve_local
from milepost.local.state.store import opened
from support.local_world import NODES

DEADLINE_S = 20.0


@dataclass
class IdleRuntime:
    """Tasks that run at once, do nothing, and end when asked to; `crash(task_id)` ends one by itself."""

    crashed: dict[str, anyio.Event] = field(default_factory=dict)

    async def run(self, launch: LaunchTask, control: Control) -> TaskEnded:
        crash = self.crashed[launch.task_id] = anyio.Event()
        control.started("")
        async with anyio.create_task_group() as group:
            for event in (control.stop, crash):
                group.start_soon(_cancel_after, event, group.cancel_scope)
        return TaskEnded(launch.task_id, 1 if crash.is_set() else -15)

    async def check(self, launch: LaunchTask, command: str) -> int:
        return 0

    def crash(self, task_id: str) -> None:
        self.crashed[task_id].set()


async def _cancel_after(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


@dataclass
class Api:
    """A client of the API, and what is behind it."""

    client: httpx2.AsyncClient
    runtime: IdleRuntime
    engine: Engine
    abdicated: anyio.Event

    async def call(self, method: str, path: str, body: object = None, expect: int = 200) -> Any:
        """The decoded answer, which must have this status."""
        response = await self.client.request(method, path, json=body)
        assert response.status_code == expect, response.text
        return response.json() if response.content else None

    async def app(self, app_id: str) -> Any:
        return (await self.call("GET", f"/v2/apps/{app_id}"))["app"]

    async def deployed(self) -> None:
        """Wait until no deployment is under way."""
        await until(lambda: self.call("GET", "/v2/deployments"), lambda found: found == [])


@asynccontextmanager
async def local_api(folder: Path) -> AsyncIterator[Api]:
    """The API called in this process, with the state that `folder` holds; tasks are idle ones."""
    import random
    import uuid

    abdicated = anyio.Event()
    cluster = Cluster(NODES, Chance(lambda: str(uuid.uuid4()), random.randrange))
    prober, runtime = Prober(), IdleRuntime()
    with opened(folder) as store:
        async with anyio.create_task_group() as group:
            engine = Engine(cluster, runtime, prober, store, Hub(), group)
            engine.command(restore, store.load())
            app = application(engine, "127.0.0.1:8080", abdicated.set)
            transport = httpx2.ASGITransport(app, client=("127.0.0.1", 1))
            async with httpx2.AsyncClient(transport=transport, base_url="http://local") as client:
                yield Api(client, runtime, engine, abdicated)
            group.cancel_scope.cancel()
    await prober.aclose()


@asynccontextmanager
async def local_server(
    state_dir: Path | None = None, nodes: int = 1, node_prefix: str = "127.0.59.", docker: str = "off"
) -> AsyncIterator[str]:
    """The whole scheduler on a free port; the URL of its API."""
    send, receive = anyio.create_memory_object_stream[str](1)
    serve = partial(
        serve_local,
        "127.0.0.1",
        0,
        nodes=nodes,
        state_dir=state_dir,
        node_prefix=node_prefix,
        docker=docker,
        started=send.send_nowait,
    )
    async with anyio.create_task_group() as group, send, receive:
        group.start_soon(serve)
        with anyio.fail_after(DEADLINE_S):
            url = await receive.receive()
        yield url
        group.cancel_scope.cancel()


async def until(
    read: Callable[[], Awaitable[Any]], is_so: Callable[[Any], bool], deadline_s: float = DEADLINE_S
) -> Any:
    """What `read` gives once `is_so` holds for it; TimeoutError at the deadline."""
    with anyio.fail_after(deadline_s):
        while not is_so(value := await read()):
            await anyio.sleep(0.002)
    return value
