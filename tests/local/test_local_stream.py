"""The event stream as bytes on a connection (marathon-api 11.1 to 11.3)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from milepost.local.hub import KEEP_ALIVE, KEEP_ALIVE_S, MAX_WAITING, PATIENCE_S, Hub, frame
from milepost.local.scheduler.effects import EmitEvent
from support.local_server import DEADLINE_S, local_server

pytestmark = [pytest.mark.anyio, pytest.mark.system]

APP: dict[str, Any] = {"id": "/web", "cmd": "sleep 1000", "instances": 0}
EVENT = EmitEvent("app_terminated_event", {"appId": "/web"})


@asynccontextmanager
async def reading(
    url: str, query: str = "", accept: str = "text/event-stream"
) -> AsyncIterator[BufferedByteReceiveStream]:
    """A connection on which the stream was asked for."""
    address = urlsplit(url)
    async with await anyio.connect_tcp(str(address.hostname), int(address.port or 0)) as connection:
        request = f"GET /v2/events{query} HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: {accept}\r\n\r\n"
        await connection.send(request.encode())
        with anyio.fail_after(DEADLINE_S):
            yield BufferedByteReceiveStream(connection)


async def head(stream: BufferedByteReceiveStream) -> tuple[str, dict[str, str]]:
    """Status line and headers, with lowered names."""
    status, *lines = (await stream.receive_until(b"\r\n\r\n", 10_000)).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return status, {name.lower(): value for name, value in pairs}


async def next_type(stream: BufferedByteReceiveStream) -> str:
    """The type of the next event, which must be framed exactly so."""
    kind = await stream.receive_until(b"\r\n", 1_000)
    data = await stream.receive_until(b"\r\n\r\n", 1_000_000)
    assert kind.startswith(b"event: ")
    assert data.startswith(b"data: {")
    assert b"\n" not in data
    return kind.removeprefix(b"event: ").decode()


async def test_the_stream_is_not_chunked_and_ends_with_its_connection() -> None:
    async with local_server() as url, reading(url) as stream:
        status, headers = await head(stream)
        assert status == "HTTP/1.1 200 OK"
        assert headers["content-type"] == "text/event-stream;charset=utf-8"
        assert headers["connection"] == "close"
        assert headers.keys().isdisjoint({"transfer-encoding", "content-length", "content-encoding", "server"})


async def test_the_first_event_is_the_listeners_own_arrival() -> None:
    async with local_server() as url, reading(url) as stream:
        await head(stream)
        assert await stream.receive_until(b"\r\n", 100) == b"event: event_stream_attached"
        data = await stream.receive_until(b"\r\n\r\n", 1_000)
        assert data.startswith(b'data: {"remoteAddress":"127.0.0.1","eventType":"event_stream_attached","timestamp":"')


async def test_a_listener_gets_only_the_types_it_asked_for() -> None:
    wanted = "?event_type=deployment_success&event_type=api_post_event&event_type=unknown"
    async with local_server() as url, reading(url, wanted) as stream, httpx2.AsyncClient(base_url=url) as client:
        await head(stream)
        await client.post("/v2/apps", json=APP)
        assert {await next_type(stream), await next_type(stream)} == {"deployment_success", "api_post_event"}


@pytest.mark.parametrize(("query", "with_trees"), [("", True), ("&plan-format=light", False)])
async def test_plans_carry_the_trees_unless_they_are_asked_to_be_light(query: str, with_trees: bool) -> None:
    wanted = f"?event_type=deployment_success{query}"
    async with local_server() as url, reading(url, wanted) as stream, httpx2.AsyncClient(base_url=url) as client:
        await head(stream)
        await client.post("/v2/apps", json=APP)
        data = await stream.receive_until(b"\r\n\r\n", 1_000_000)
        assert (b'"original":' in data and b'"target":' in data) is with_trees


async def test_who_does_not_accept_a_stream_gets_none() -> None:
    async with local_server() as url, reading(url, accept="text/html") as stream:
        status, headers = await head(stream)
        assert status == "HTTP/1.1 405 Method Not Allowed"
        assert headers["content-type"].startswith("text/html")


async def test_a_stopping_server_ends_its_streams() -> None:
    async with anyio.create_task_group() as group:
        send, receive = anyio.create_memory_object_stream[str](1)

        async def serve() -> None:
            async with local_server() as url:
                await send.send(url)
                await stop.wait()

        stop = anyio.Event()
        group.start_soon(serve)
        async with send, receive, reading(await receive.receive()) as stream:
            await head(stream)
            await next_type(stream)
            stop.set()
            with pytest.raises(anyio.IncompleteRead):
                await stream.receive_until(b"never", 1_000_000)


async def test_a_connection_that_is_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milepost.local.hub.PATIENCE_S", 0.0)
    monkeypatch.setattr("milepost.local.hub.MAX_WAITING", 1 << 20)
    async with local_server() as url, reading(url) as stream, httpx2.AsyncClient(base_url=url) as client:
        await client.post("/v2/apps", json={**APP, "env": {"BULK": "x" * 50_000}})
        for _ in range(200):  # 30 MB, and what the sockets hold is less
            await client.put("/v2/apps/web", json={})
        with pytest.raises((anyio.IncompleteRead, anyio.BrokenResourceError)):
            await stream.receive_until(b"never", 1 << 40)
        assert (await client.get("/ping")).text == "pong"


async def test_a_burst_that_is_read_as_fast_as_can_be_cuts_nobody_off() -> None:
    apps = [{**APP, "id": f"/web-{number}"} for number in range(1500)]
    wanted = "?event_type=app_terminated_event&event_type=deployment_success"
    async with local_server() as url, reading(url, wanted) as stream, httpx2.AsyncClient(base_url=url) as client:
        await head(stream)
        await client.put("/v2/apps", json=apps, timeout=DEADLINE_S)
        await stream.receive_until(b"event: deployment_success\r\n", 10_000)
        await stream.receive_until(b"\r\n\r\n", 100_000_000)
        await client.delete("/v2/groups//?force=true", timeout=DEADLINE_S)
        for _ in apps:
            assert await next_type(stream) == "app_terminated_event"


async def test_keep_alives_are_bare_line_ends_often_enough_for_every_client() -> None:
    assert KEEP_ALIVE_S <= 10
    hub = Hub()
    with hub.listening(frozenset({"nothing"}), lambda: None, light=True) as frames:
        hub.publish(EVENT)
        hub.keep_alive()
        assert frames.receive_nowait() == b"\r\n"


def told(hub: Hub, megabytes: int) -> None:
    """In one turn, without a pause in which anybody could read."""
    for _ in range(megabytes):
        hub.publish(EmitEvent("bulk", {"text": "x" * (1 << 20)}))


async def test_one_burst_however_large_cuts_nobody_off() -> None:
    hub = Hub()
    with hub.listening(None, pytest.fail, light=True) as frames:
        told(hub, (MAX_WAITING >> 20) * 2)
        for _ in range(5000):
            hub.publish(EVENT)
        hub.close()
        assert len([data async for data in frames]) == (MAX_WAITING >> 20) * 2 + 5000


async def test_a_listener_that_stays_behind_is_dropped_and_the_others_go_on() -> None:
    clock, cut = [0.0], list[str]()
    hub = Hub(lambda: clock[0])
    with (
        hub.listening(None, lambda: cut.append("slow"), light=True) as slow,
        hub.listening(None, lambda: cut.append("quick"), light=True) as quick,
    ):
        told(hub, MAX_WAITING >> 20)
        clock[0] += PATIENCE_S + 1
        for _ in range(MAX_WAITING >> 20):
            await quick.receive()
        hub.publish(EVENT)
        assert cut == ["slow"]
        assert await quick.receive() == frame(EVENT, light=True)
        assert len([data async for data in slow]) == MAX_WAITING >> 20


async def test_a_listener_with_little_to_read_may_take_its_time() -> None:
    clock = [0.0]
    hub = Hub(lambda: clock[0])
    with hub.listening(None, pytest.fail, light=True) as frames:
        for _ in range(2000):
            clock[0] += PATIENCE_S
            hub.keep_alive()
        assert frames.receive_nowait() == KEEP_ALIVE
