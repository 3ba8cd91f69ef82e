"""`mode = "own"` as an operator handles it: start, stop, start again, and what is refused."""

from pathlib import Path

import pytest

from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.runtime import AdminSocket
from support.haproxy import each_haproxy
from support.site import Site, site
from support.traffic import clients, fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]


def environment_of(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/environ").read_text().split("\0")) - {""}


def is_alive(pid: int) -> bool:
    """Not one that has ended and that nobody has waited for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


async def worker_of(at: Site) -> int:
    worker = (await at.processes()).worker
    assert worker is not None
    return worker


async def test_a_second_milepost_of_one_state_dir_is_refused_and_the_first_goes_on(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        first = await at.start_until_healthy()
        refused = await at.run("run", "--config", str(at.settings))
        assert (refused.returncode, refused.stdout) == (3, "")
        assert f"another milepost runs with state_dir {at.state_dir}" in refused.stderr
        first.require_alive()
        assert (await get(at.port)).body == str(one.port)


async def test_sigterm_leaves_haproxy_which_the_next_milepost_takes_over_without_a_reload(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(2) as (one, two):
        at.has(one)
        milepost = await at.start_until_healthy()
        before = await at.processes()
        async with clients(at.port) as seen:
            await at.stop(milepost)
            at.has(two)
            await until(lambda: seen.has(one.port, 20))
            await at.start_until_healthy()
            await until(lambda: seen.has(two.port, 20))
        assert seen.failures == []
        assert [event["proxy_goes_on"] for event in at.events("milepost_stopping")] == [True]
        assert await at.processes() == before
        assert (await at.status())["proxy"]["reloads"] == 0
        assert [(event["pid"], event["reload_needed"]) for event in at.events("proxy_adopted")] == [
            (before.worker, False)
        ]


async def test_a_start_without_marathon_and_haproxy_serves_the_last_snapshot(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(2) as (one, two):
        at.has(one)
        milepost = await at.start_until_healthy("--stop-proxy")
        await at.stop(milepost)
        at.config.unlink()
        await at.marathon.stop()
        await at.start_until_healthy()
        assert (await get(at.port)).body == str(one.port)
        assert (await at.status())["snapshot"]["is_saved"]
        assert [event["source"] for event in at.events("saved_snapshot_served")] == ["marathon"]
        at.has(two)
        await at.marathon.start()
        async with clients(at.port) as seen:
            await until(lambda: seen.has(two.port, 20))
        assert not (await at.status())["snapshot"]["is_saved"]


async def test_a_marathon_that_lists_nothing_any_more_is_not_believed_without_an_operator(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        await at.start_until_healthy("--guard-confirm-after-s", "0.1")
        at.marathon.apps.clear()
        at.marathon.drop_streams()
        await until(lambda: [event["needs_approval"] for event in at.events("removals_held")] == [False, True])
        assert (await get(at.port)).body == str(one.port)
        assert (await at.status())["guard"] == {"apps": ["/web"], "tasks": 1, "serving": 1, "needs_approval": True}
        approved = await at.run("approve", "--config", str(at.settings))
        assert (approved.returncode, approved.stderr) == (0, "1 task of /web may go\n")
        assert [event["by_operator"] for event in at.events("removals_released")] == [True]
        assert (await at.status())["guard"] is None


async def test_what_was_changed_by_hand_is_reported_until_an_operator_asks(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        await at.start_until_healthy("--haproxy-foreign-changes", "report", "--haproxy-observe-interval-s", "0.1")
        server = f"web_{at.port}/127_0_0_1_{one.port}"
        admin = AdminSocket(at.folder / "admin.sock")
        assert await admin.ask([f"set server {server} state maint"]) == [""]
        await until(lambda: [event["subject"] for event in at.events("problem_found")] == [f"server {server}"])
        assert (await get(at.port)).status == 503
        assert (await at.status())["counts"]["warnings"] == 1
        await at.reconcile()
        await until(lambda: [event["solved"] for event in at.events("problem_found")] == [False, True])
        assert (await get(at.port)).body == str(one.port)
        assert len(at.events("foreign_changes")) == 1
        await admin.close()


async def test_a_start_with_a_marathon_that_lists_nothing_leaves_what_serves(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        milepost = await at.start_until_healthy()
        await at.stop(milepost)
        at.marathon.apps.clear()
        await at.start_until_healthy()
        await until(lambda: [event["tasks"] for event in at.events("removals_held")] == [1])
        assert (await get(at.port)).body == str(one.port)
        at.has(one)
        at.marathon.drop_streams()
        await until(lambda: [event["by_operator"] for event in at.events("removals_released")] == [False])
        assert (await get(at.port)).body == str(one.port)


async def test_stop_proxy_ends_haproxy_together_with_milepost(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        milepost = await at.start_until_healthy("--stop-proxy")
        master = (await at.processes()).master
        await at.stop(milepost)
        assert not is_alive(master)
        assert [event["proxy_goes_on"] for event in at.events("milepost_stopping")] == [False]


async def test_proxy_stop_waits_until_no_milepost_would_start_haproxy_again(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        milepost = await at.start_until_healthy()
        master = (await at.processes()).master
        refused = await at.run("proxy", "stop", "--config", str(at.settings))
        assert (refused.returncode, "end that one first" in refused.stderr) == (4, True)
        assert is_alive(master)
        await at.stop(milepost)
        ended = await at.run("proxy", "stop", "--config", str(at.settings))
        assert (ended.returncode, ended.stderr.splitlines()) == (
            0,
            [
                f"HAProxy (pid {master}) is to end; running requests have 10 s to finish",
                f"HAProxy (pid {master}) has ended",
            ],
        )
        assert not is_alive(master)


async def test_haproxy_has_the_named_variables_and_no_others(
    binary: Binary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_NAME", "east")
    monkeypatch.setenv("MILEPOST_SOURCES_MARATHON_PASSWORD", "hush")
    async with site(binary, tmp_path) as at:
        at.has()
        await at.start_until_healthy()
        allowed = {"SITE_NAME=east"}
        found = environment_of(await worker_of(at))
        assert allowed <= found
        assert not [name for name in found - allowed if not name.startswith("HAPROXY_")]
        assert "hush" not in " ".join(found)
