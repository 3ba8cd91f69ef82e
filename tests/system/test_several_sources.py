"""Two Marathons and a service of the settings behind one HAProxy: each is there whatever becomes of the others."""

from pathlib import Path

import anyio
import pytest

from milepost.proxies.haproxy.binary import Binary
from support.fake_marathon import FakeMarathon, app, task
from support.haproxy import each_haproxy, free_ports
from support.site import Site, site
from support.traffic import FakeTask, clients, fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]

MORE = """
[[sources.marathon]]
name = "east"
urls = ["{url}"]
[[sources.static]]
id = "/files"
port = {port}
addresses = ["127.0.0.1:{server}"]
[sources.static.labels]
HAPROXY_GROUP = "external"
"""


def add_sources(at: Site, east: FakeMarathon, port: int, server: FakeTask) -> None:
    at.settings.write_text(at.settings.read_text() + MORE.format(url=east.url, port=port, server=server.port))


def put(east: FakeMarathon, port: int, *tasks: FakeTask) -> None:
    """The other cluster has an app of the same id as the first one's, on `port`."""
    ports = [{"containerPort": 80, "hostPort": 0, "servicePort": port}]
    served = [task(f"web.{one.port}", "127.0.0.1", (one.port,)) for one in tasks]
    east.put(app("/web", served, container={"type": "DOCKER", "portMappings": ports}))


async def until_answered(port: int, server: FakeTask) -> None:
    """Wait until new connections lead to `server`."""
    with anyio.fail_after(10):
        while (await get(port)).body != str(server.port):
            await anyio.sleep(0.01)


async def test_a_marathon_that_fails_takes_nothing_away_and_holds_nobody_up(binary: Binary, tmp_path: Path) -> None:
    east_port, static_port = free_ports(2)
    async with site(binary, tmp_path) as at, FakeMarathon() as east, fake_tasks(4) as (one, two, three, files):
        add_sources(at, east, static_port, files)
        at.has(one)
        put(east, east_port, two)
        await at.start_until_healthy()
        assert [(await get(port)).body for port in (at.port, east_port, static_port)] == [
            str(one.port),
            str(two.port),
            str(files.port),
        ]
        explained = (await at.run("explain", "east:web", "--config", str(at.settings))).stdout
        assert f"east:web_{east_port}" in explained
        await at.marathon.stop()
        async with clients(at.port) as seen:
            put(east, east_port, three)
            east.push("status_update_event", appId="/web", taskId="web.x", taskStatus="TASK_RUNNING")
            await until_answered(east_port, three)
            await until(lambda: bool(at.events("source_failed")))
            assert seen.failures == []
        sources = {source["name"]: source for source in (await at.status())["sources"]}
        assert {name: (source["apps"], bool(source["error"])) for name, source in sources.items()} == {
            "marathon": (1, True),
            "east": (1, False),
            "static": (1, False),
        }


async def test_a_start_without_one_of_them_serves_what_was_kept_of_it(binary: Binary, tmp_path: Path) -> None:
    east_port, static_port = free_ports(2)
    async with site(binary, tmp_path) as at, FakeMarathon() as east, fake_tasks(4) as (one, two, three, files):
        add_sources(at, east, static_port, files)
        at.has(one)
        put(east, east_port, two)
        await at.stop(await at.start_until_healthy("--stop-proxy"))
        at.config.unlink()
        await at.marathon.stop()
        put(east, east_port, three)
        await at.start_until_healthy()
        assert [(await get(port)).body for port in (at.port, east_port, static_port)] == [
            str(one.port),
            str(three.port),
            str(files.port),
        ]
        assert [source["is_saved"] for source in (await at.status())["sources"]] == [True, False, False]
