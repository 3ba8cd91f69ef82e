"""Where several sources meet: who waits for whom at a start, and what is served for those that are silent."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio
import pytest

from milepost.controller.junction import Junction, Patience
from milepost.model.notice import Notice, SavedSnapshotServed
from milepost.model.snapshot import Cause, Snapshot
from support.apps import app, snapshot, task
from support.waiting import until

pytestmark = pytest.mark.anyio

WEB, EAST = snapshot(app("/web", task(0))), snapshot(app("east:/web", task(1)))
KEPT = replace(snapshot(app("/web", task(7)), app("east:/web", task(8))), is_saved=True)
BOTH = {"marathon": "", "east": "east:"}
NEVER = Patience(kept_s=3600.0, limit_s=3600.0)


@dataclass
class Meeting:
    junction: Junction
    accepted: list[Snapshot] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def publish(self, name: str, part: Snapshot) -> None:
        self.junction.entry(name)(part)

    @property
    def ports(self) -> dict[str, list[int]]:
        return {app_id: [one.ports[0] for one in app.tasks] for app_id, app in self.accepted[-1].apps.items()}


@asynccontextmanager
async def meeting(
    prefixes: Mapping[str, str] = BOTH, patience: Patience = NEVER, kept: Snapshot | None = None
) -> AsyncIterator[Meeting]:
    accepted: list[Snapshot] = []
    notices: list[Notice] = []
    junction = Junction(prefixes, accepted.append, notices.append, patience)
    if kept:
        junction.remember(kept)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(junction.run)
        yield Meeting(junction, accepted, notices)
        tasks.cancel_scope.cancel()


async def test_one_source_alone_goes_straight_through() -> None:
    async with meeting({"marathon": ""}) as at:
        at.publish("marathon", WEB)
        assert at.accepted == [WEB]
        assert at.accepted[0] is WEB


async def test_a_start_waits_for_all_who_may_speak_and_tells_what_led_to_it() -> None:
    async with meeting() as at:
        at.publish("marathon", replace(WEB, causes=(Cause("one", "", 1.0),)))
        await anyio.wait_all_tasks_blocked()
        assert at.accepted == []
        at.publish("east", replace(EAST, causes=(Cause("two", "", 2.0),)))
        await until(lambda: bool(at.accepted))
        assert at.ports == {"/web": [31000], "east:/web": [31001]}
        assert [cause.reason for cause in at.accepted[0].causes] == ["one", "two"]
        at.publish("east", replace(EAST, apps={}, causes=(Cause("three", "", 3.0),)))
        assert (at.ports, [cause.reason for cause in at.accepted[1].causes]) == ({"/web": [31000]}, ["three"])


@pytest.mark.parametrize("fails_first", [True, False])
async def test_a_source_that_fails_holds_nobody_up(fails_first: bool) -> None:
    async with meeting() as at:
        if fails_first:
            at.junction.failed("east")
        at.publish("marathon", WEB)
        if not fails_first:
            at.junction.failed("east")
        await until(lambda: bool(at.accepted))
        assert at.ports == {"/web": [31000]}
        at.publish("east", EAST)
        assert at.ports == {"/web": [31000], "east:/web": [31001]}


async def test_what_was_kept_of_a_silent_source_serves_until_it_speaks() -> None:
    async with meeting(patience=Patience(kept_s=0.01, limit_s=3600.0), kept=KEPT) as at:
        at.publish("marathon", WEB)
        await until(lambda: bool(at.accepted))
        assert at.ports == {"/web": [31000], "east:/web": [31008]}
        assert [share.is_saved for share in at.accepted[0].shares] == [False, True]
        assert [notice.source for notice in at.notices if isinstance(notice, SavedSnapshotServed)] == ["east"]
        at.publish("east", EAST)
        assert at.ports == {"/web": [31000], "east:/web": [31001]}


async def test_a_source_of_which_nothing_is_known_is_waited_for_longer_but_not_for_ever() -> None:
    async with meeting(patience=Patience(kept_s=3600.0, limit_s=0.01)) as at:
        at.publish("marathon", WEB)
        await until(lambda: bool(at.accepted))
        assert at.ports == {"/web": [31000]}


async def test_where_nobody_speaks_nothing_is_published() -> None:
    async with meeting(patience=Patience(kept_s=0.0, limit_s=0.0), kept=KEPT) as at:
        at.junction.failed("marathon")
        at.junction.failed("east")
        await anyio.wait_all_tasks_blocked()
        assert at.accepted == []
