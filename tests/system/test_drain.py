"""`milepost proxy drain`: one balancer of several leaves, and its clients notice by its health endpoint alone."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from milepost.errors import ProxyGone
from milepost.proxies.haproxy.binary import Binary
from support.haproxy import each_haproxy, free_ports
from support.site import Site, site, unit
from support.traffic import ask, fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]


@dataclass
class Balanced:
    """Clients behind a load balancer of their own, which looks at the health endpoint of this one."""

    port: int
    health_port: int
    is_out: bool = False
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    left: int = 0

    async def watch(self) -> None:
        """As a health check does; three answers of 503 in a row put the balancer out."""
        bad = 0
        while bad < 3:
            bad = bad + 1 if await health(self.health_port) == 503 else 0
            await anyio.sleep(0.05)
        self.is_out = True

    async def come(self) -> None:
        """New connections only while it is in; each is kept for as long as the balancer lets it."""
        while not self.is_out:
            try:
                async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
                    reader, is_last = BufferedByteReceiveStream(stream), False
                    while not is_last:
                        answer = await ask(stream, reader, "any.example")
                        is_last = answer.is_last
                        self.answers += answer.status == 200
                        self.failures += [f"status {answer.status}"] if answer.status != 200 else []
                        await anyio.sleep(0.005)
            except (OSError, anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError) as error:
                self.failures.append(repr(error))
        self.left += 1


@asynccontextmanager
async def balanced(port: int, health_port: int, count: int = 4) -> AsyncIterator[Balanced]:
    seen = Balanced(port, health_port)
    async with anyio.create_task_group() as group:
        group.start_soon(seen.watch)
        for _ in range(count):
            group.start_soon(seen.come)
        yield seen
        group.cancel_scope.cancel()


async def health(port: int) -> int:
    return (await get(port, path="/_haproxy_health_check")).status


async def drain(at: Site, *options: str) -> tuple[int, dict[str, object]]:
    """Exit status and answer of `milepost proxy drain`."""
    done = await at.run("proxy", "drain", "--config", str(at.settings), "--json", *options)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


async def undrain(at: Site) -> str:
    return (await at.run("proxy", "undrain", "--config", str(at.settings))).stderr


async def test_clients_that_heed_the_health_endpoint_lose_no_request_when_it_drains_and_stops(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        milepost = await at.start_until_healthy("--haproxy-stats-port", str(stats := free_ports(1)[0]))
        async with balanced(at.port, stats) as seen:
            await until(lambda: seen.answers > 50)
            status, came_to = await drain(at, "--then-stop", "--quiet", "0.5")
            assert (seen.left, seen.failures) == (4, [])
        assert (status, came_to["left"], came_to["stopped"], came_to["connections"]) == (0, True, True, 0)
        with pytest.raises(ProxyGone):
            await at.processes()
        assert "stopped: `milepost proxy undrain` starts it again" in await at.until_unhealthy()
        milepost.require_alive()
        assert await undrain(at) == "in service again\n"
        await at.until_healthy()
        assert (await get(at.port)).body == str(one.port)
        assert await health(stats) == 200


async def test_a_drain_outlives_reloads_crashes_and_milepost_itself(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        port = ("--haproxy-stats-port", str(stats := free_ports(1)[0]))
        milepost = await at.start_until_healthy(*port)
        assert (await drain(at, "--wait", "0"))[0] == 0
        await until(lambda: len(at.events("drain_seen")) == 1)
        since_s = (await at.status())["proxy"]["draining_since_s"]
        at.has(one, path="/other")
        at.tell()
        await until(lambda: len(at.events("proxy_reloaded")) == 1)
        assert await health(stats) == 503
        await at.stop(milepost)
        at.start(*port)
        await until(lambda: len(at.events("drain_seen")) == 2)
        assert "draining" in await at.health()
        os.kill((await at.processes()).master, signal.SIGKILL)
        await until(lambda: len(at.events("proxy_started")) == 2)
        assert await health(stats) == 503
        assert (await get(at.port)).body == str(one.port)
        assert (await at.status())["proxy"]["draining_since_s"] == since_s
        assert await undrain(at) == "in service again\n"
        await at.until_healthy()
        assert await health(stats) == 200
        assert await undrain(at) == "it is not draining; nothing to do\n"


async def test_without_milepost_it_drains_through_haproxys_own_sockets(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path, "attach") as at, fake_tasks(1) as (one,):
        at.has(one)
        with unit(at) as haproxy:
            milepost = await at.start_until_healthy("--haproxy-stats-port", str(stats := free_ports(1)[0]))
            await at.stop(milepost)
            async with await anyio.connect_tcp("127.0.0.1", at.port) as client:
                status, came_to = await drain(at, "--wait", "1", "--quiet", "0.1", "--then-stop")
                assert (status, came_to["left"], came_to["connections"]) == (1, False, 1)
                assert await health(stats) == 503
                assert (await ask(client, BufferedByteReceiveStream(client), "any.example")).is_last
            shown = await at.run("proxy", "drain", "--config", str(at.settings), "--quiet", "0.1", "--then-stop")
            assert shown.returncode == 0
            assert "nobody is there; waiting whether anybody comes\nall clients have left" in shown.stderr
            assert "end it where it was started" in shown.stderr
            assert haproxy.poll() is None
            assert await undrain(at) == "in service again\n"
            assert await health(stats) == 200
            assert not (await get(at.port)).is_last


async def test_a_drain_that_is_taken_back_stops_nothing(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        await at.start_until_healthy("--haproxy-stats-port", str(stats := free_ports(1)[0]))
        async with anyio.create_task_group() as group:

            async def expect_the_end() -> None:
                ended = await at.run("proxy", "drain", "--config", str(at.settings), "--then-stop")
                assert (ended.returncode, "was not stopped" in ended.stderr) == (3, True)

            group.start_soon(expect_the_end)
            await until(lambda: len(at.events("drain_seen")) == 1)
            await undrain(at)
        assert await health(stats) == 200
        assert (await get(at.port)).body == str(one.port)


async def test_a_haproxy_that_knows_no_drain_is_left_as_it_is(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path, "attach") as at:
        refused = await at.run("proxy", "drain", "--config", str(at.settings))
        assert (refused.returncode, "no HAProxy answers at its admin socket" in refused.stderr) == (4, True)
        with unit(at):
            await until((tmp_path / "master.sock").exists)
            refused = await at.run("proxy", "drain", "--config", str(at.settings))
        assert (refused.returncode, "HAProxy does not know" in refused.stderr) == (4, True)
        assert not (at.state_dir / "maps" / "drain.map").exists()
