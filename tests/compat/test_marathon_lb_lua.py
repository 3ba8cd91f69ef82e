"""The Lua services that marathon-lb's head names, in real HAProxies: the same addresses, the same answers."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from milepost.compat.marathon_lb.command import LUA, run
from milepost.compat.marathon_lb.signal_socket import NAME, serve_signals
from milepost.proxies.haproxy.binary import Binary
from support.haproxy import each_haproxy, free_ports
from support.traffic import get

pytestmark = [pytest.mark.anyio, pytest.mark.system]

SERVICES = ("getpids", "getconfig", "getvhostmap", "getappmap", "signalmlbhup", "signalmlbusr1")


def config(folder: Path, port: int) -> Path:
    loads = "".join(f"  lua-load {file}\n" for file in sorted(LUA.glob("*.lua")))
    rules = "".join(f"  http-request use-service lua.{name} if {{ path /{name} }}\n" for name in SERVICES)
    times = "  timeout client 5s\n  timeout connect 5s\n  timeout server 5s\n"
    path = folder / "haproxy.cfg"
    path.write_text(f"global\n{loads}listen stats\n  bind 127.0.0.1:{port}\n  mode http\n{times}{rules}")
    return path


def begin(binary: Binary, path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([binary.path, "-W", "-f", str(path)], stderr=subprocess.DEVNULL)


async def is_listening(path: Path) -> None:
    """The socket's file is there a little before anybody listens at it."""
    with anyio.fail_after(10):
        while True:
            try:
                async with await anyio.connect_unix(path):
                    return
            except OSError:
                await anyio.sleep(0.01)


async def is_up(port: int) -> None:
    with anyio.fail_after(10):
        while True:
            try:
                await get(port, path="/getappmap")
            except OSError:
                await anyio.sleep(0.01)
            else:
                return


@asynccontextmanager
async def served(binary: Binary, folder: Path) -> AsyncIterator[tuple[int, int]]:
    """The port at which the services answer, and the pid of HAProxy's master."""
    (port,) = free_ports(1)
    with begin(binary, config(folder, port)) as master:
        try:
            await is_up(port)
            yield port, master.pid
        finally:
            master.terminate()


@each_haproxy
async def test_the_services_answer_as_marathon_lbs_did(binary: Binary, tmp_path: Path) -> None:
    async with served(binary, tmp_path) as (port, master):
        started = (tmp_path / "haproxy.cfg").read_text()
        (tmp_path / "haproxy.cfg").write_text("changed since")
        (tmp_path / "app2backend.map").write_text("/web web_10000\n")
        pids = [int(word) for word in (await get(port, path="/getpids")).body.split()]
        assert pids[0] == master
        assert len(pids) == 2
        assert (await get(port, path="/getconfig")).body == started
        assert (await get(port, path="/getappmap")).body == "/web web_10000\n"
        assert (await get(port, path="/getvhostmap")).body == ""


@each_haproxy
async def test_signals_reach_the_one_that_wrote_the_configuration(binary: Binary, tmp_path: Path) -> None:
    heard: list[str] = []
    meanings = {word: lambda word=word: heard.append(word) for word in ("hup", "usr1")}
    async with served(binary, tmp_path) as (port, _):
        nobody = await get(port, path="/signalmlbhup")
        assert nobody.status == 500
        assert "exit code 1" in nobody.body
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve_signals, tmp_path / NAME, meanings)
            await is_listening(tmp_path / NAME)
            answers = [await get(port, path=f"/signalmlb{word}") for word in ("hup", "usr1")]
            tasks.cancel_scope.cancel()
    assert [(answer.status, answer.body) for answer in answers] == [
        (200, "Sent SIGHUP signal to marathon-lb"),
        (200, "Sent SIGUSR1 signal to marathon-lb"),
    ]
    assert heard == ["hup", "usr1"]
    assert not (tmp_path / NAME).exists()


def test_the_files_are_written_where_one_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--write-lua", str(tmp_path / "lua")], "marathon-lb") == 0
    written = capsys.readouterr().out.split()
    assert [Path(path).read_text() for path in written] == [file.read_text() for file in sorted(LUA.glob("*.lua"))]
    assert len(written) == 4
