"""`kill -9` of milepost at any instant: traffic goes on, the files stay whole, the next one makes up for it.

Longer, and with all kinds of traffic: `./run soak --kill-milepost-every`.
"""

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from milepost.errors import ProxyGone
from milepost.proxies.haproxy.binary import Binary
from support.fake_marathon import app, task
from support.haproxy import each_haproxy, free_ports
from support.site import Site, site
from support.traffic import FakeTask, clients, fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]

AT_RANDOM = 2
LATEST_S = 1.0  # after it began: by then it has done about all that it had to do

Instant = Callable[[], bool]


@dataclass
class World:
    """A site whose Marathon says something else before each start: servers, structure and hosts."""

    at: Site
    tasks: list[FakeTask]
    port: int
    http_port: int
    turn: int = 0

    def change(self) -> None:
        self.turn += 1
        web, shop = self.serving
        self.at.has(web)
        ports = [{"containerPort": 80, "hostPort": 0, "servicePort": self.port}]
        labels = {
            "HAPROXY_GROUP": "external",
            "HAPROXY_0_VHOST": self.host,
            "HAPROXY_0_BALANCE": ("roundrobin", "leastconn")[self.turn % 2],
        }
        served = [task(f"shop.{shop.port}", "127.0.0.1", (shop.port,))]
        self.at.marathon.put(app("/shop", served, labels=labels, container={"type": "DOCKER", "portMappings": ports}))

    @property
    def serving(self) -> tuple[FakeTask, FakeTask]:
        """The task of /web and that of /shop: each has two, of which it runs one after the other."""
        return self.tasks[self.turn % 2], self.tasks[2 + self.turn % 2]

    @property
    def host(self) -> str:
        return f"shop{self.turn}.example"

    def instants(self) -> dict[str, Instant]:
        """When to kill, besides at random: as soon as one of these is so. A look takes some microseconds."""
        hosts, beside = self.at.state_dir / "maps" / "hosts.map", self.at.config.with_name(".haproxy.cfg.new")
        return {
            "a map is written, the configuration is not": replaced(hosts),
            "the configuration is written, HAProxy was not told": replaced(self.at.config),
            "the configuration is half written": beside.exists,
            "the check runs": self.at.config.with_name("haproxy.cfg.candidate").exists,
            "the last snapshot is written": replaced(self.at.state_dir / "snapshot.jsonl"),
        }

    async def crash(self, is_time: Instant, latest_s: float) -> None:
        starts = len(self.at.events("milepost_started"))
        milepost = self.at.start("--haproxy-http-port", str(self.http_port))
        await until(lambda: len(self.at.events("milepost_started")) > starts, 20.0)
        await to_thread.run_sync(wait_for, is_time, latest_s)
        milepost.kill()

    async def is_reached(self) -> bool:
        """Whether HAProxy serves what Marathon says now: by port and by host."""
        web, shop = self.serving
        answers = [await get(self.at.port), await get(self.port), await get(self.http_port, self.host)]
        return [answer.body for answer in answers] == [str(web.port), str(shop.port), str(shop.port)]


def replaced(path: Path) -> Instant:
    """Tells once another file lies at `path` than now."""
    before = inode(path)
    return lambda: inode(path) not in (0, before)


def inode(path: Path) -> int:
    """0 where there is no file."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def wait_for(is_time: Instant, latest_s: float) -> None:
    deadline_s = time.monotonic() + latest_s
    while not is_time() and time.monotonic() < deadline_s:
        time.sleep(0.0001)


async def master_of(at: Site) -> int:
    """The pid of HAProxy's master, once it answers: killed in the middle of a reload, milepost leaves it at that."""
    with anyio.fail_after(10):
        while True:
            try:
                return (await at.processes()).master
            except ProxyGone:
                await anyio.sleep(0.01)


def refusal_of(at: Site) -> str:
    """What HAProxy says against the file that lies there, "" where nothing."""
    command = [str(at.binary.path), "-c", "-q", "-f", str(at.config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def leftovers_in(folder: Path) -> set[str]:
    """Files that are written beside the real ones."""
    names = {path.name for path in folder.rglob("*")}
    return {name for name in names if name.startswith(".") or name.endswith((".candidate", ".new"))}


async def test_killed_at_any_instant_it_leaves_whole_files_and_traffic_and_the_next_makes_up_for_it(
    binary: Binary, tmp_path: Path
) -> None:
    dice = random.Random(20_260_101)
    async with site(binary, tmp_path) as at, fake_tasks(4) as tasks:
        world = World(at, tasks, *free_ports(2))
        world.change()
        await at.stop(await at.start_until_healthy("--haproxy-http-port", str(world.http_port)))
        first = await at.processes()
        async with clients(at.port, 2) as seen:
            for name in [*world.instants(), *["at random"] * AT_RANDOM]:
                world.change()
                is_time = world.instants().get(name, lambda: False)
                await world.crash(is_time, LATEST_S if name != "at random" else dice.uniform(0.0, LATEST_S))
                assert await to_thread.run_sync(partial(refusal_of, at)) == "", name
                assert await master_of(at) == first.master, name
            world.change()
            await at.start_until_healthy("--haproxy-http-port", str(world.http_port))
            with anyio.fail_after(10):
                while not await world.is_reached():
                    await anyio.sleep(0.02)
        assert seen.failures == []
        assert await master_of(at) == first.master
        await until(lambda: not leftovers_in(tmp_path))
        assert sum(seen.answers.values()) > 100
