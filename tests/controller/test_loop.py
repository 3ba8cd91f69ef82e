"""The loop against a proxy in memory: what it does at once, what it waits for, and how it survives failures."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import anyio
import pytest

from milepost.controller.board import Board
from milepost.controller.holders import HolderFile
from milepost.controller.loop import Loop, Pace
from milepost.controller.mailbox import Mailbox
from milepost.errors import ConfigRefused, ProxyError
from milepost.model.notice import (
    ConfigurationRefused,
    HoldersNotKept,
    Notice,
    ProblemFound,
    ProxyFailed,
    ProxyReloaded,
    ServersChanged,
)
from milepost.model.reload import ReloadKind
from milepost.proxies.base import Outcome, Plan
from milepost.routing.build import Router
from milepost.routing.policy import Policy
from support.apps import app, snapshot, task
from support.colours import colour
from support.fake_proxy import FakeProxy, Pools

pytestmark = pytest.mark.anyio

QUICK = Pace(
    settle_quiet_s=0.01,
    settle_limit_s=0.1,
    reload_interval_s=0.0,
    save_quiet_s=0.01,
    save_limit_s=0.1,
    observe_interval_s=60.0,
    collect_first_s=0.005,
    collect_limit_s=0.02,
    retry_first_s=0.005,
    retry_limit_s=0.02,
)


@dataclass
class Scene:
    proxy: FakeProxy
    mailbox: Mailbox
    board: Board
    notices: list[Notice]

    def told(self, kind: type[Notice]) -> int:
        return sum(isinstance(notice, kind) for notice in self.notices)

    async def until(self, is_so: Callable[[], bool]) -> None:
        with anyio.fail_after(5):
            while not is_so():
                await anyio.sleep(0.002)

    def runs(self, service: str) -> bool:
        return service in self.proxy.running

    def leads_to(self, service: str, port: int) -> bool:
        return self.addresses(service) == [port]

    def addresses(self, service: str) -> list[int]:
        return [endpoint.port for endpoint in self.proxy.running.get(service, ())]


@dataclass
class StubbornProxy(FakeProxy):
    """Never runs what it is told to."""

    restructured_at_s: list[float] = field(default_factory=list)

    async def restructure(self, wanted: Callable[[], Pools]) -> Outcome[Pools]:
        self.calls.append("restructure")
        self.restructured_at_s.append(anyio.current_time())
        return Outcome(self.running, reloaded=True)


@asynccontextmanager
async def running(
    folder: Path,
    proxy: FakeProxy | None = None,
    pace: Pace = QUICK,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Scene]:
    notices: list[Notice] = []
    scene = Scene(proxy or FakeProxy(), Mailbox(), Board(started_at_s=0.0), notices)
    holders = HolderFile(folder / "holders.json")
    router = Router(Policy(groups=("external",)))
    loop = Loop(scene.proxy, scene.mailbox, router, holders, scene.board, notices.append, pace, clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(loop.run)
        yield scene
        tasks.cancel_scope.cancel()


async def test_the_first_snapshot_makes_the_structure(tmp_path: Path) -> None:
    async with running(tmp_path) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: scene.addresses("web_10000") == [31_001])
        assert scene.told(ProxyReloaded) == 1
        assert scene.board.reloads == 1
        assert not scene.board.plan


@dataclass
class StartingProxy(FakeProxy):
    """Says so where nothing runs."""

    def plan(self, desired: Pools, actual: Pools) -> Plan:
        found = super().plan(desired, actual)
        return found if actual else replace(found, kinds=(ReloadKind.START,))


async def test_where_nothing_runs_no_end_of_a_burst_is_waited_for(tmp_path: Path) -> None:
    pace = replace(QUICK, settle_quiet_s=1000.0, settle_limit_s=1000.0)
    async with running(tmp_path, StartingProxy(), pace) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(partial(scene.runs, "web_10000"))
        scene.mailbox.put(snapshot(app("/web", task(1)), app("/new", task(2), port=10_001)))
        await anyio.wait_all_tasks_blocked()
        assert scene.proxy.count("restructure") == 1


async def test_nothing_is_touched_before_a_source_has_spoken(tmp_path: Path) -> None:
    async with running(tmp_path) as scene:
        scene.mailbox.wake("the proxy's worker is another one")
        await anyio.wait_all_tasks_blocked()
        assert scene.proxy.calls == []


async def test_a_changed_task_goes_live_without_a_reload(tmp_path: Path) -> None:
    async with running(tmp_path) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: bool(scene.proxy.running))
        scene.mailbox.put(snapshot(app("/web", task(2)), heard_at_s=0.0))
        await scene.until(lambda: scene.addresses("web_10000") == [31_002])
        assert scene.proxy.count("restructure") == 1
        (changed,) = (notice for notice in scene.notices if isinstance(notice, ServersChanged))
        assert changed.apps == ("/web",)
        assert changed.latency_s > 0


async def test_how_long_news_of_one_colour_took_is_told_of_the_group(tmp_path: Path) -> None:
    clock = Clock()
    async with running(tmp_path, StartingProxy(), clock=clock) as scene:
        scene.mailbox.put(snapshot(colour("blue", 2), colour("green", 1, healthy=0)))
        await scene.until(partial(scene.runs, "web_10000"))
        clock.now_s += 60.0
        scene.mailbox.put(snapshot(colour("blue", 2), colour("green", 2, healthy=1), heard_at_s=clock.now_s - 1.0))
        await scene.until(lambda: scene.told(ServersChanged) > 0)
        (changed,) = (notice for notice in scene.notices if isinstance(notice, ServersChanged))
        assert (changed.apps, changed.latency_s) == (("/web",), 1.0)


async def test_the_file_follows_the_servers(tmp_path: Path) -> None:
    async with running(tmp_path) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: bool(scene.proxy.running))
        scene.mailbox.put(snapshot(app("/web", task(2))))
        await scene.until(lambda: scene.proxy.saved is not None)
        assert scene.proxy.saved == scene.proxy.running


async def test_the_file_follows_burst_after_burst(tmp_path: Path) -> None:
    pace = replace(QUICK, save_quiet_s=0.03)
    async with running(tmp_path, pace=pace) as scene:
        for burst in range(3):
            for number in range(1, 4):
                port = burst * 10 + number
                scene.mailbox.put(snapshot(app("/web", task(port))))
                await scene.until(partial(scene.leads_to, "web_10000", 31_000 + port))
            await scene.until(lambda: scene.proxy.saved == scene.proxy.running)


async def test_a_burst_of_new_apps_is_one_reload(tmp_path: Path) -> None:
    pace = Pace(settle_quiet_s=0.1, settle_limit_s=5.0)
    async with running(tmp_path, pace=pace) as scene:
        for count in range(1, 11):
            apps = [app(f"/web{n}", task(n), port=10_000 + n) for n in range(count)]
            scene.mailbox.put(snapshot(*apps))
            await anyio.sleep(0.005)
        await scene.until(lambda: len(scene.proxy.running) == 10)
        assert scene.proxy.count("restructure") == 1


@dataclass
class Clock:
    """A monotonic clock that stands until it is moved."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def test_reloads_are_spaced_and_what_came_meanwhile_is_one_reload(tmp_path: Path) -> None:
    clock, pace = Clock(), Pace(settle_quiet_s=0.2, settle_limit_s=2.0, reload_interval_s=5.0)
    async with running(tmp_path, pace=pace, clock=clock) as scene:

        async def at(now_s: float, apps: int) -> int:
            """How many reloads there were after passes at this time, with so many apps wanted."""
            clock.now_s = now_s
            scene.mailbox.put(snapshot(*(app(f"/web{n}", task(n), port=10_000 + n) for n in range(apps))))
            await scene.until(lambda: scene.board.table is not None and len(scene.board.table.services) == apps)
            scene.mailbox.wake("the clock was moved")
            await anyio.wait_all_tasks_blocked()
            return scene.proxy.count("restructure")

        assert await at(1000.0, apps=1) == 0, "a burst may begin"
        assert await at(1000.2, apps=1) == 1, "the first is not kept waiting"
        assert await at(1001.0, apps=2) == 1
        assert await at(1003.0, apps=3) == 1
        assert await at(1005.1, apps=3) == 1
        assert scene.board.plan.structure == ("web1_10001 differs", "web2_10002 differs"), "what waits is told"
        assert await at(1005.3, apps=3) == 2
        assert await at(1020.0, apps=4) == 2
        assert await at(1020.2, apps=4) == 3, "after quiet the next is not kept waiting"


async def test_servers_change_while_a_reload_waits_for_its_turn(tmp_path: Path) -> None:
    pace = Pace(settle_quiet_s=0.001, settle_limit_s=0.01, reload_interval_s=1000.0)
    async with running(tmp_path, pace=pace) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(partial(scene.runs, "web_10000"))
        scene.mailbox.put(snapshot(app("/web", task(2)), app("/new", task(3), port=10_001)))
        await scene.until(lambda: scene.addresses("web_10000") == [31_002])
        assert not scene.runs("new_10001")


@dataclass
class SlowProxy(FakeProxy):
    """Reads what is wanted at once, and runs it when it is let go."""

    may_end: anyio.Event = field(default_factory=anyio.Event)

    async def restructure(self, wanted: Callable[[], Pools]) -> Outcome[Pools]:
        self.calls.append("restructure")
        pools = dict(wanted())
        await self.may_end.wait()
        self.running = pools
        return Outcome(self.running, reloaded=True)


@asynccontextmanager
async def reloading(folder: Path) -> AsyncIterator[tuple[Scene, SlowProxy]]:
    """In the middle of the reload that brings the app /new; before that, task 1 of /web ran."""
    proxy = SlowProxy()
    async with running(folder, proxy) as scene:
        proxy.may_end.set()
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: scene.proxy.saved == {**scene.proxy.running} and scene.runs("web_10000"))
        proxy.may_end = anyio.Event()
        scene.mailbox.put(snapshot(app("/web", task(1)), app("/new", task(3), port=10_001)))
        await scene.until(lambda: proxy.count("restructure") == 2)
        yield scene, proxy


async def test_servers_change_in_the_middle_of_a_reload(tmp_path: Path) -> None:
    async with reloading(tmp_path) as (scene, proxy):
        scene.mailbox.put(snapshot(app("/web", task(2)), app("/new", task(3), port=10_001)))
        await scene.until(lambda: scene.addresses("web_10000") == [31_002])
        assert not scene.runs("new_10001")
        proxy.may_end.set()
        await scene.until(partial(scene.runs, "new_10001"))
        await scene.until(lambda: scene.addresses("web_10000") == [31_002] and proxy.saved == proxy.running)


async def test_what_changed_in_a_reload_is_made_good_before_anything_is_read_back(tmp_path: Path) -> None:
    async with reloading(tmp_path) as (scene, proxy):
        scene.mailbox.put(snapshot(app("/web", task(2)), app("/new", task(3), port=10_001)))
        await scene.until(lambda: scene.addresses("web_10000") == [31_002])
        proxy.calls.clear()
        proxy.may_end.set()
        await scene.until(lambda: proxy.count("observe") == 1)
        assert proxy.calls[:2] == ["apply", "observe"]


async def test_nothing_is_read_back_in_the_middle_of_a_reload(tmp_path: Path) -> None:
    async with reloading(tmp_path) as (scene, proxy):
        proxy.calls.clear()
        scene.mailbox.wake("another worker runs")
        await anyio.wait_all_tasks_blocked()
        assert proxy.calls == []
        proxy.may_end.set()
        await scene.until(lambda: proxy.count("observe") == 1)


async def test_a_change_that_is_lost_to_a_reload_is_no_failure_and_made_good(tmp_path: Path) -> None:
    async with reloading(tmp_path) as (scene, proxy):
        proxy.failures["apply"] = [ProxyError("another worker runs")]
        scene.mailbox.put(snapshot(app("/web", task(2)), app("/new", task(3), port=10_001)))
        await scene.until(lambda: not proxy.failures["apply"])
        proxy.may_end.set()
        await scene.until(lambda: scene.addresses("web_10000") == [31_002] and scene.runs("new_10001"))
        assert scene.told(ProxyFailed) == 0


async def test_a_change_that_fails_in_a_reload_keeps_no_later_one_from_being_made_in_it(tmp_path: Path) -> None:
    async with reloading(tmp_path) as (scene, proxy):
        proxy.failures["apply"] = [ProxyError("HAProxy did not take it")]
        scene.mailbox.put(snapshot(app("/web", task(2)), app("/new", task(3), port=10_001)))
        await scene.until(lambda: not proxy.failures["apply"])
        scene.mailbox.put(snapshot(app("/web", task(4)), app("/new", task(3), port=10_001)))
        await scene.until(partial(scene.leads_to, "web_10000", 31_004))
        assert not scene.runs("new_10001")


async def test_a_structure_that_is_wanted_in_the_middle_of_a_reload_is_the_next(tmp_path: Path) -> None:
    async with reloading(tmp_path) as (scene, proxy):
        newer = (app("/new", task(3), port=10_001), app("/newer", task(4), port=10_002))
        scene.mailbox.put(snapshot(app("/web", task(1)), *newer))
        await anyio.wait_all_tasks_blocked()
        assert proxy.count("restructure") == 2
        proxy.may_end.set()
        await scene.until(partial(scene.runs, "newer_10002"))
        assert proxy.count("restructure") == 3


async def test_a_refused_structure_leaves_the_old_one_and_is_tried_again(tmp_path: Path) -> None:
    proxy = FakeProxy(failures={"restructure": [ConfigRefused("line 7: what is this")]})
    async with running(tmp_path, proxy) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: scene.told(ConfigurationRefused) == 1)
        await scene.until(lambda: scene.addresses("web_10000") == [31_001])
        assert scene.board.proxy_error == ""


async def test_servers_still_change_while_a_structure_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: bool(scene.proxy.running))
        scene.proxy.failures["restructure"] = [ConfigRefused("no") for _ in range(10_000)]
        scene.mailbox.put(snapshot(app("/web", task(2)), app("/bad", task(3), port=10_001)))
        await scene.until(lambda: scene.addresses("web_10000") == [31_002])
        await scene.until(lambda: "no" in scene.board.proxy_error)
        assert "bad_10001" not in (scene.proxy.saved or {}), "what has not passed the check must not reach the file"


@pytest.mark.parametrize("method", ["observe", "apply", "restructure", "save"])
async def test_a_proxy_that_fails_once_is_brought_to_the_wanted_state(tmp_path: Path, method: str) -> None:
    proxy = FakeProxy()
    async with running(tmp_path, proxy) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: bool(proxy.running))
        proxy.failures[method] = [ProxyError("gone")]
        scene.mailbox.put(snapshot(app("/web", task(2)), app("/new", task(3), port=10_001)))
        if method == "observe":
            scene.mailbox.wake("look")
        await scene.until(lambda: scene.addresses("web_10000") == [31_002] and "new_10001" in proxy.running)
        scene.mailbox.put(snapshot(app("/web", task(4)), app("/new", task(3), port=10_001)))
        await scene.until(lambda: proxy.saved == proxy.running and scene.addresses("web_10000") == [31_004])
        assert scene.told(ProxyFailed) == 1
        await scene.until(lambda: scene.board.proxy_error == "")


async def test_a_reload_that_does_not_help_is_not_repeated_at_once(tmp_path: Path) -> None:
    proxy = StubbornProxy()
    pace = Pace(
        settle_quiet_s=0.001, settle_limit_s=0.01, reload_interval_s=0.0, retry_first_s=0.05, retry_limit_s=30.0
    )
    async with running(tmp_path, proxy, pace) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: proxy.count("restructure") == 4)
        first, *_, last = proxy.restructured_at_s
        assert last - first >= 0.05 + 0.1 + 0.2


async def test_a_change_of_structure_that_fails_is_tried_ever_more_rarely_whatever_comes_meanwhile(
    tmp_path: Path,
) -> None:
    clock, pace = Clock(), Pace(settle_quiet_s=0.0, reload_interval_s=0.0, retry_first_s=10.0, retry_limit_s=1000.0)
    proxy = FakeProxy(failures={"restructure": [ProxyError("the disk is full") for _ in range(100)]})
    async with running(tmp_path, proxy, pace, clock) as scene:
        waits = []
        for number in range(1, 6):
            for _ in range(3):  # news is no reason to try again
                scene.mailbox.put(snapshot(app("/web", task(number))))
                await anyio.wait_all_tasks_blocked()
            assert proxy.count("restructure") == number
            waits.append([told.retry_s for told in scene.notices if isinstance(told, ProxyFailed)])
            clock.now_s += 10.0 * 2 ** (number - 1)
        assert waits[-1] == pytest.approx([10.0, 20.0, 40.0, 80.0, 160.0])


async def test_how_long_news_took_does_not_count_from_what_was_heard_before(tmp_path: Path) -> None:
    clock, pace = Clock(), replace(QUICK, settle_quiet_s=1000.0, settle_limit_s=1000.0)
    async with running(tmp_path, StartingProxy(), pace, clock) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(partial(scene.runs, "web_10000"))
        for number in (2, 3):
            clock.now_s += 60.0
            waiting = app("/new", task(9), port=10_001)
            scene.mailbox.put(snapshot(app("/web", task(number)), waiting, heard_at_s=clock.now_s - 1.0))
            await scene.until(partial(scene.leads_to, "web_10000", 31_000 + number))
        assert scene.board.plan.structure, "a reload still waits"
        assert [told.latency_s for told in scene.notices if isinstance(told, ServersChanged)] == [1.0, 1.0]


async def test_holders_that_cannot_be_written_stop_no_traffic_and_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "holders.new").mkdir()
    async with running(tmp_path) as scene:
        for port in (10_000, 10_001, 10_002):
            scene.mailbox.put(snapshot(app("/web", task(1), port=port)))
            await scene.until(partial(scene.runs, f"web_{port}"))
        assert scene.told(HoldersNotKept) == 1
        (tmp_path / "holders.new").rmdir()
        scene.mailbox.put(snapshot(app("/web", task(1), port=10_003)))
        await scene.until((tmp_path / "holders.json").exists)


async def test_a_disk_that_is_full_delays_no_server_and_is_told_until_it_is_not(tmp_path: Path) -> None:
    proxy = FakeProxy(failures={"save": [ProxyError("no space left") for _ in range(3)]})
    async with running(tmp_path, proxy) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: bool(proxy.running))
        scene.mailbox.put(snapshot(app("/web", task(2))))
        await scene.until(lambda: scene.board.file_error == "no space left")
        scene.mailbox.put(snapshot(app("/web", task(3))))
        await scene.until(lambda: scene.addresses("web_10000") == [31_003])
        await scene.until(lambda: proxy.saved == proxy.running and scene.board.file_error == "")
        assert scene.board.proxy_error == ""


async def test_what_somebody_else_changed_is_healed_when_told_to_look(tmp_path: Path) -> None:
    async with running(tmp_path) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: bool(scene.proxy.running))
        scene.proxy.running = {"web_10000": ()}
        scene.mailbox.wake("a foreign change")
        await scene.until(lambda: scene.addresses("web_10000") == [31_001])


async def test_what_runs_is_read_back_on_a_timer(tmp_path: Path) -> None:
    pace = Pace(settle_quiet_s=0.01, observe_interval_s=0.02)
    async with running(tmp_path, pace=pace) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1))))
        await scene.until(lambda: bool(scene.proxy.running))
        scene.proxy.running = {"web_10000": ()}
        await scene.until(lambda: scene.addresses("web_10000") == [31_001])


async def test_an_unchanged_snapshot_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as scene:
        same = snapshot(app("/web", task(1)))
        scene.mailbox.put(same)
        await scene.until(lambda: scene.proxy.count("observe") == 2)  # before the structure is made, and after
        await scene.until(lambda: scene.proxy.saved == scene.proxy.running)
        calls = list(scene.proxy.calls)
        scene.mailbox.put(same)
        await anyio.wait_all_tasks_blocked()
        assert scene.proxy.calls == calls


async def test_a_problem_is_told_when_it_comes_and_when_it_goes(tmp_path: Path) -> None:
    async with running(tmp_path) as scene:
        scene.mailbox.put(snapshot(app("/web", task(1), labels={"HAPROXY_0_MODE": "carrier pigeon"})))
        await scene.until(lambda: scene.told(ProblemFound) == 1)
        scene.mailbox.put(snapshot(app("/web", task(1), labels={"HAPROXY_0_MODE": "http"})))
        await scene.until(lambda: scene.told(ProblemFound) == 2)
        problems = [notice for notice in scene.notices if isinstance(notice, ProblemFound)]
        assert [problem.solved for problem in problems] == [False, True]


async def test_who_holds_a_port_is_remembered_over_a_restart(tmp_path: Path) -> None:
    older, newer = app("/b", task(1), port=10_000), app("/a", task(2), port=10_000)
    async with running(tmp_path) as scene:
        scene.mailbox.put(snapshot(older))
        await scene.until(lambda: bool(scene.proxy.running))
    async with running(tmp_path) as scene:
        scene.mailbox.put(snapshot(newer, older))
        await scene.until(lambda: bool(scene.proxy.running))
        assert scene.board.table is not None
        assert [service.app_id for service in scene.board.table.services if service.listens] == ["/b"]


async def test_snapshots_that_nobody_took_leave_their_causes_behind() -> None:
    mailbox = Mailbox()
    mailbox.put(snapshot(app("/a"), heard_at_s=1.0))
    mailbox.put(snapshot(app("/b"), heard_at_s=2.0))
    newest, _ = mailbox.take()
    assert newest is not None
    assert list(newest.apps) == ["/b"]
    assert [(cause.app_id, cause.heard_at_s) for cause in newest.causes] == [("/a", 1.0), ("/b", 2.0)]
    assert mailbox.take() == (None, ())


async def test_an_unreadable_holder_file_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "holders.json").write_text("{half a fi")
    assert HolderFile(tmp_path / "holders.json").load().by_key == {}
