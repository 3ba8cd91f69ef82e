"""Slow start in real HAProxies: also of servers that are added at run time."""

from pathlib import Path

import pytest

from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from support.haproxy import each_haproxy, free_ports, reach, stage, table_of
from support.traffic import clients, fake_tasks
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]

LONG_S = 3600.0  # so long that a test sees its beginning only


@pytest.mark.parametrize(("slow_start_s", "is_small"), [(LONG_S, True), (0.0, False)], ids=["slow", "off"])
async def test_an_added_server_begins_with_a_small_share_where_that_is_asked_for(
    binary: Binary, tmp_path: Path, slow_start_s: float, is_small: bool
) -> None:
    (port,) = free_ports(1)
    places = (str(tmp_path / "a.sock"), str(tmp_path), 4096, ("127.0.0.1",))
    profile = Profile(*places, 0, 0, 0, 0, version=binary.numbers, slow_start_s=slow_start_s)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (old, new):
        proxy = at.proxy(designer=RunDesigner(profile))
        await reach(proxy, table_of(("/web", port, (old.port,))))
        worker = await at.worker_pid()
        async with clients(port) as seen:
            await reach(proxy, table_of(("/web", port, (old.port, new.port))))
            answered = seen.answers[str(old.port)]
            await until(lambda: seen.has(old.port, answered + 200))
        assert seen.failures == []
        share = seen.answers[str(new.port)] / 200
        assert (share < 0.25) is is_small, f"{share} of what the old one got"
        assert await at.worker_pid() == worker


async def test_a_server_that_starts_slowly_takes_all_where_it_is_alone(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.designer.options = (f"slowstart {LONG_S:.0f}s", *at.designer.options)
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, ())))
        await reach(proxy, table_of(("/web", port, (one.port,))))
        async with clients(port) as seen:
            await until(lambda: seen.has(one.port, 50))
        assert seen.failures == []
