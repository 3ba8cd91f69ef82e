"""Which requests real HAProxies send again when a task closes the connection without an answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from milepost.model.routing import Endpoint, Retries, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from support.haproxy import each_haproxy, free_ports, reach, stage
from support.traffic import fake_tasks

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]

OK, BAD_GATEWAY = 200, 502


@asynccontextmanager
async def mute_task() -> AsyncIterator[int]:
    """The port of a task that hears a request and closes the connection."""

    async def hear(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, hear)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def status_of(port: int, method: str) -> int:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(f"{method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        return int((await stream.receive()).split()[1])


@pytest.mark.parametrize(
    ("retries", "method", "statuses"),
    [
        (Retries(), "POST", {OK, BAD_GATEWAY}),
        (Retries(()), "GET", {OK, BAD_GATEWAY}),
        (Retries(("conn-failure",)), "GET", {OK, BAD_GATEWAY}),
        (Retries(), "GET", {OK}),
        (Retries(("empty-response",), any_method=True), "POST", {OK}),
    ],
)
async def test_a_request_without_an_answer_is_sent_again_only_where_that_does_no_harm(
    binary: Binary, retries: Retries, method: str, statuses: set[int], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    profile = Profile(str(tmp_path / "a.sock"), str(tmp_path), 2_000, ("127.0.0.1",), 0, 0, 0, 0)
    web = Service("web_1", "/web", 0, port, "http", retries=retries)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (good,), mute_task() as mute:
        pool = tuple(Endpoint(f"t{one}", "localhost", "127.0.0.1", one) for one in (good.port, mute))
        await reach(at.proxy(designer=RunDesigner(profile)), RoutingTable((web,), {"web_1": pool}))
        assert {await status_of(port, method) for _ in range(4)} == statuses
