"""The API on a real port: it says what hinders it, and ends when it is told to."""

import socket

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from milepost.errors import MilepostError
from milepost.web.server import serve_web


async def _hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", _hello)])
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_it_serves_until_cancelled_and_leaves_the_port_free(host: str) -> None:
    async with anyio.create_task_group() as tasks:
        url, port = await _started(tasks, host)
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).text == "hello"
        tasks.cancel_scope.cancel()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


@pytest.mark.system
async def test_a_request_that_never_ends_does_not_hold_up_the_end() -> None:
    asked, outcome = anyio.Event(), list[str]()

    async def never(_: Request) -> PlainTextResponse:
        asked.set()
        await anyio.sleep_forever()
        return PlainTextResponse("never")

    with anyio.fail_after(30):
        async with anyio.create_task_group() as clients, anyio.create_task_group() as tasks:
            url, _ = await _started(tasks, "127.0.0.1", Starlette(routes=[Route("/", never)]))
            clients.start_soon(_ask, url, outcome)
            await asked.wait()
            tasks.cancel_scope.cancel()
    assert outcome != ["200"]


async def test_a_taken_port_is_named_with_the_setting_that_moves_it() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(MilepostError, match=rf"web.listen: .* 127.0.0.1 port {port}: .*--web-listen"):
            await serve_web(APP, "127.0.0.1", port)


async def _started(tasks: anyio.abc.TaskGroup, host: str, app: Starlette = APP) -> tuple[str, int]:
    listening, found = anyio.Event(), []

    def ready(address: str, port: int) -> None:
        found.append((address, port))
        listening.set()

    tasks.start_soon(serve_web, app, host, 0, ready)
    with anyio.fail_after(10):
        await listening.wait()
    address, port = found[0]
    return f"http://{address}:{port}/", port


async def _ask(url: str, outcome: list[str]) -> None:
    async with httpx2.AsyncClient(timeout=20.0, trust_env=False) as client:
        try:
            outcome.append(str((await client.get(url)).status_code))
        except httpx2.HTTPError as error:
            outcome.append(type(error).__name__)
