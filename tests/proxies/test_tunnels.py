"""Long tunnels on servers that are out of traffic: they go on for their time, and no longer. With real HAProxies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from milepost.model.notice import SessionsCut
from milepost.proxies.base import Outcome
from milepost.proxies.haproxy.actual import Actual
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.proxy import HaproxyProxy
from support.haproxy import each_haproxy, free_ports, reach, stage, table_of

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]

UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
ASKED = UPGRADE + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
AGREED = UPGRADE + b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"


async def _echo(stream: SocketStream) -> None:
    """A task that takes a websocket and sends back what comes through it."""
    async with stream:
        reader = BufferedByteReceiveStream(stream)
        await reader.receive_until(b"\r\n\r\n", 65_536)
        await stream.send(b"HTTP/1.1 101 Switching Protocols\r\n" + AGREED)
        try:
            while True:
                await stream.send(await reader.receive())
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return


@asynccontextmanager
async def echoing_task() -> AsyncIterator[int]:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(partial(listener.serve, _echo))
        yield listener.extra(SocketAttribute.local_port)
        group.cancel_scope.cancel()


@asynccontextmanager
async def tunnel(port: int) -> AsyncIterator[SocketStream]:
    """An open websocket through HAProxy."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nHost: any.example\r\n" + ASKED)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await stream.receive()
        assert head.startswith(b"HTTP/1.1 101"), head
        yield stream


async def is_open(stream: SocketStream) -> bool:
    try:
        await stream.send(b"ping")
        return await stream.receive() == b"ping"
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return False


async def removed(proxy: HaproxyProxy, port: int, actual: Actual) -> Outcome[Actual]:
    """One pass in which the service has no task any more."""
    return await proxy.apply(proxy.plan(proxy.desired(table_of(("/web", port, ()))), actual), actual)


async def test_a_tunnel_is_cut_after_its_time_and_its_server_deleted(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, echoing_task() as task:
        proxy = at.proxy(tunnel_limit_s=0.5)
        actual = (await reach(proxy, table_of(("/web", port, (task,))))).actual
        async with tunnel(port) as stream:
            outcome = await removed(proxy, port, actual)
            assert outcome.leftovers == 1
            assert await is_open(stream)
            assert at.told(SessionsCut) == []
            with anyio.fail_after(10):
                while outcome.leftovers:
                    await anyio.sleep(0.02)
                    outcome = await removed(proxy, port, outcome.actual)
            assert not await is_open(stream)
        assert outcome.actual.servers[f"web_{port}"] == {}
        assert at.told(SessionsCut) == [SessionsCut("haproxy", "/web", f"web_{port}/s{task}", 0.5)]
        assert (await proxy.observe()).servers[f"web_{port}"] == {}


async def test_without_a_limit_a_tunnel_stays_until_its_client_ends_it(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, echoing_task() as task:
        proxy = at.proxy()
        actual = (await reach(proxy, table_of(("/web", port, (task,))))).actual
        async with tunnel(port) as stream:
            outcome = await removed(proxy, port, actual)
            for _ in range(20):
                outcome = await removed(proxy, port, outcome.actual)
                assert await is_open(stream)
            assert outcome.leftovers == 1
        with anyio.fail_after(10):
            while outcome.leftovers:
                await anyio.sleep(0.02)
                outcome = await removed(proxy, port, outcome.actual)
        assert at.told(SessionsCut) == []
