"""What no HTTP client should send: the server answers or hangs up, and then serves the next one."""

import contextlib
import socket
from pathlib import Path

import anyio
import httpx2
import pytest

from support.local_server import local_server, until

pytestmark = [pytest.mark.anyio, pytest.mark.system]

POST = b"POST /v2/apps HTTP/1.1\r\nHost: x\r\n"
LONG = b"a" * 1_000_000


def spoken(address: tuple[str, int], data: bytes, *, closes: bool) -> bytes:
    """What comes back until the server hangs up; with `closes` we do, at once."""
    with socket.create_connection(address, 10) as stream:
        try:
            stream.sendall(data)
            if closes:
                return b""
            with contextlib.suppress(OSError):  # it has hung up already, and its answer lies here
                stream.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: stream.recv(65_536), b""))
        except ConnectionError:  # it hung up before it had read all
            return b""


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x00\x01\x02\r\n\r\n", b"400"),
        (b"GET\r\n\r\n", b"400"),
        (b"GET /v2/apps HTTP/1.1\r\nHost: x\r\nX: " + LONG + b"\r\n\r\n", b"400"),
        (b"GET /v2/apps?id=" + LONG + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET /v2/apps HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n", b"400"),
        (b"GET /v2/apps/%ff%00 HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n", b"404"),
        (POST + b"Content-Length: x\r\n\r\n{}", b"400"),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", b"400"),
        (POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n{}\r\n", b"400"),
        (POST + b"Content-Length: 99999999999\r\nConnection: close\r\n\r\n" + b" " * (17 << 20), b"413"),
    ],
    ids=range(10),
)
async def test_broken_http_is_refused_and_the_server_lives_on(data: bytes, status: bytes, tmp_path: Path) -> None:
    async with local_server(tmp_path) as url:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        heard = await anyio.to_thread.run_sync(lambda: spoken(address, data, closes=False))
        assert not heard or heard.split(b" ")[1] == status, heard
        await _serves(url)


async def test_a_body_that_ends_early_or_comes_slowly_keeps_nobody_waiting(tmp_path: Path) -> None:
    half = POST + b'Content-Length: 100\r\n\r\n{"id": '
    async with local_server(tmp_path) as url:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        await anyio.to_thread.run_sync(lambda: spoken(address, half, closes=True))
        with socket.create_connection(address) as slow:  # says no more while others are served
            slow.sendall(half)
            await _serves(url)
            assert await _apps(url) == []


async def test_a_task_that_cannot_be_started_and_a_probe_that_cannot_be_sent_end_nothing_else(tmp_path: Path) -> None:
    check = {"path": "/\n", "portIndex": 0, "intervalSeconds": 1}
    apps = [
        {"id": "/big", "cmd": "sleep 100", "env": {"A": "x" * 200_000}},
        {"id": "/odd", "cmd": "sleep 100", "healthChecks": [check]},
        {
            "id": "/command",
            "cmd": "sleep 100",
            "healthChecks": [{"protocol": "COMMAND", "command": {"value": "x" * 200_000}}],
        },
    ]
    async with local_server(tmp_path) as url, httpx2.AsyncClient(base_url=url) as client:
        assert (await client.put("/v2/apps", json=apps)).status_code == 200

        async def failed() -> object:
            return (await client.get("/v2/apps/big")).json()["app"].get("lastTaskFailure")

        failure = await until(failed, bool)
        assert "too long" in failure["message"]

        async def probed() -> object:
            tasks = (await client.get("/v2/tasks")).json()["tasks"]
            return [each["appId"] for each in tasks if each["appId"] != "/big" and each["healthCheckResults"]]

        await until(probed, lambda found: sorted(found) == ["/command", "/odd"])
        await _serves(url)


async def _serves(url: str) -> None:
    async with httpx2.AsyncClient(base_url=url) as client:
        assert (await client.get("/ping")).text == "pong"


async def _apps(url: str) -> object:
    async with httpx2.AsyncClient(base_url=url) as client:
        return (await client.get("/v2/apps")).json()["apps"]
