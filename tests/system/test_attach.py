"""`mode = "attach"`: HAProxy has a unit of its own, and milepost knows its sockets only."""

from pathlib import Path

import pytest

from milepost.proxies.haproxy.binary import Binary
from support.haproxy import each_haproxy
from support.site import first_config, site, unit
from support.traffic import clients, fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system]


@each_haproxy
async def test_milepost_waits_for_a_haproxy_that_is_not_there_yet_and_says_so(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path, "attach") as at, fake_tasks(1) as (one,):
        at.has(one)
        milepost = at.start()
        reason = await at.until_unhealthy()
        assert f"no HAProxy answers at its admin socket {tmp_path}/admin.sock" in reason
        assert "started elsewhere" in reason
        assert first_config(tmp_path).splitlines()[-1].strip() in reason
        assert not at.config.exists()
        with unit(at) as haproxy:
            await at.until_healthy()
            assert (await get(at.port)).body == str(one.port)
            assert (await at.processes()).master == haproxy.pid
        milepost.require_alive()


@each_haproxy
async def test_an_attached_haproxy_is_reloaded_for_structure_and_changed_live_for_tasks(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path, "attach") as at, fake_tasks(2) as (one, two):
        at.has(one)
        with unit(at):
            await at.start_until_healthy()
            first = await at.processes()
            async with clients(at.port) as seen:
                await until(lambda: seen.has(one.port, 20))
                at.has(two)
                at.tell()
                await until(lambda: seen.has(two.port, 20))
                assert (await at.processes()).worker == first.worker
                at.has(two, path="/other")
                at.tell()
                await until(lambda: len(at.events("proxy_reloaded")) == 2)
                before = seen.answers[str(two.port)]
                await until(lambda: seen.has(two.port, before + 20))
            second = await at.processes()
            assert seen.failures == []
            assert (second.master, second.worker != first.worker) == (first.master, True)
            assert (await at.status())["proxy"]["reloads"] == 2


@each_haproxy
async def test_traffic_goes_on_while_milepost_is_killed_and_what_changed_meanwhile_is_made_up_for(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path, "attach") as at, fake_tasks(2) as (one, two):
        at.has(one)
        with unit(at):
            (await at.start_until_healthy()).kill()
            before = await at.processes()
            async with clients(at.port) as seen:
                await until(lambda: seen.has(one.port, 20))
                at.has(two)
                await at.start_until_healthy()
                await until(lambda: seen.has(two.port, 20))
            assert seen.failures == []
            assert (await at.processes()).worker == before.worker
            assert (await at.status())["proxy"]["reloads"] == 0
            assert [event["reload_needed"] for event in at.events("proxy_adopted")] == [True, False]


@each_haproxy
async def test_a_haproxy_that_its_unit_starts_again_runs_what_milepost_wrote(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path, "attach") as at, fake_tasks(2) as (one, two):
        at.has(one)
        with unit(at):
            await at.start_until_healthy()
        await at.until_unhealthy()
        with unit(at):
            await at.until_healthy()
            assert (await get(at.port)).body == str(one.port)
            at.has(two)
            at.tell()
            await until(lambda: len(at.events("servers_changed")) > 0)
            assert (await get(at.port)).body == str(two.port)
            assert len(at.events("proxy_reloaded")) == 1


@each_haproxy
async def test_milepost_ends_no_haproxy_that_is_not_its_own(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path, "attach") as at, fake_tasks(1) as (one,):
        at.has(one)
        with unit(at):
            milepost = await at.start_until_healthy()
            await at.stop(milepost)
            for command in (("proxy", "stop"), ("run", "--stop-proxy")):
                refused = await at.run(*command, "--config", str(at.settings))
                assert refused.returncode == 4
                assert "HAProxy is not milepost's to end" in refused.stderr
            assert (await get(at.port)).body == str(one.port)
