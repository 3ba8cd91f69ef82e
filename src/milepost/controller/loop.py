"""The one loop: newest snapshot in, a proxy that matches it out. Only here are errors caught and counted.

A pass is level-triggered: it compares what should run with what was seen to run and does what is missing,
whatever led here. A change of servers is done at once. A change of structure waits until a burst is over, since a
reload is the costly act, and is then made beside the passes; the file follows behind.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import anyio

from milepost.controller.board import Board
from milepost.controller.holders import HolderFile
from milepost.controller.mailbox import Mailbox
from milepost.controller.report import Reporter
from milepost.controller.restructuring import Finished, Restructuring
from milepost.controller.timing import NEVER, Agenda, Backoff, Job, Settle, Spacing
from milepost.controller.writer import FileWriter
from milepost.errors import ConfigRefused, ProxyError
from milepost.model.notice import Notify
from milepost.model.reload import ReloadKind
from milepost.model.routing import RoutingTable
from milepost.model.snapshot import Snapshot
from milepost.proxies.base import ActualT, DesiredT, Outcome, Plan, Proxy
from milepost.routing.build import Router


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the loop is, in seconds.

    A change of structure waits for `settle_quiet_s` of quiet but never longer than `settle_limit_s`, and until
    `reload_interval_s` have passed since the last reload; the file follows after `save_quiet_s`, at the latest after
    `save_limit_s`; what runs is read back every `observe_interval_s`; a server that cannot be deleted yet is tried
    again after `collect_first_s`, then ever more rarely up to `collect_limit_s`; a failing proxy likewise between
    `retry_first_s` and `retry_limit_s`.
    """

    settle_quiet_s: float = 0.2
    settle_limit_s: float = 2.0
    reload_interval_s: float = 5.0
    save_quiet_s: float = 0.5
    save_limit_s: float = 2.0
    observe_interval_s: float = 30.0
    collect_first_s: float = 0.05
    collect_limit_s: float = 1.0
    retry_first_s: float = 0.1
    retry_limit_s: float = 30.0


class Loop(Generic[DesiredT, ActualT]):
    """Drives one proxy from a mailbox of snapshots. Owns what was last seen to run."""

    def __init__(
        self,
        proxy: Proxy[DesiredT, ActualT],
        mailbox: Mailbox,
        router: Router,
        holders: HolderFile,
        board: Board,
        notify: Notify,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pace = pace or Pace()
        self._proxy, self._mailbox, self._router, self._clock = proxy, mailbox, router, clock
        self._holder_file, self._holders = holders, holders.load()
        self._report = Reporter(proxy.name, board, notify, clock)
        self._table: RoutingTable | None = None
        self._actual: ActualT | None = None
        self._agenda = Agenda()
        self._settle = Settle(self._pace.settle_quiet_s, self._pace.settle_limit_s)
        self._spacing = Spacing(self._pace.reload_interval_s)
        self._collect = Backoff(self._pace.collect_first_s, self._pace.collect_limit_s)
        self._retry = Backoff(self._pace.retry_first_s, self._pace.retry_limit_s)
        self._refusals = Backoff(self._pace.retry_first_s, self._pace.retry_limit_s)
        self._not_before_s = -NEVER  # a structure that was refused, or failed, is not tried again before this
        self._awaited: tuple[str, ...] = ()
        settle = Settle(self._pace.save_quiet_s, self._pace.save_limit_s)
        self._file = FileWriter(proxy.save, settle, self._retry, self._report, clock)
        self._structure = Restructuring(proxy.restructure, mailbox.nudge, clock)

    async def run(self) -> None:
        """Pass after pass until cancelled. A proxy that fails is tried again; its last good state serves."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._file.run)
            tasks.start_soon(self._structure.run)
            while True:
                await self._mailbox.wait(self._agenda.next_s - self._clock())
                snapshot, reasons = self._mailbox.take()
                try:
                    await self._pass(snapshot, look=bool(reasons))
                    self._retry = self._retry.succeeded()
                except ProxyError as error:
                    self._failed(error)

    async def _pass(self, snapshot: Snapshot | None, *, look: bool) -> None:
        if snapshot is not None:
            self._accept(snapshot)
        if self._table is None:
            return
        finished = self._structure.take()
        if finished is not None:
            self._take(finished)
        actual = await self._seen(look=look)
        if actual is None:
            return
        desired = self._proxy.desired(self._table)
        plan = self._proxy.plan(desired, actual)
        actual = await self._change_servers(plan, actual)
        self._change_structure(plan, finished)
        if plan.structure:
            self._file.hold()
        else:
            self._file.put(desired)
        self._report.passed(desired, actual, Plan(structure=plan.structure), self._proxy.refused)

    def _accept(self, snapshot: Snapshot) -> None:
        self._table = self._router.build(snapshot, self._holders)
        self._report.accepted(snapshot, self._table)
        self._holders = self._table.holders
        self._report.remembered(self._holder_file.save(self._holders))

    async def _seen(self, *, look: bool) -> ActualT | None:
        """What runs: as last seen, or read back where that may be out of date; None while nobody can say.

        It is not read back while the structure changes, which ends with that.
        """
        if self._structure.is_under_way:
            return self._actual
        now_s = self._clock()
        seen = None if look else self._actual
        if seen is None or self._agenda.is_due(Job.OBSERVE, now_s) or self._agenda.is_due(Job.RETRY, now_s):
            seen = self._actual = await self._proxy.observe()
            self._agenda = self._agenda.at(Job.RETRY, NEVER)
            self._agenda = self._agenda.at(Job.OBSERVE, self._clock() + self._pace.observe_interval_s)
        return seen

    async def _change_servers(self, plan: Plan, actual: ActualT) -> ActualT:
        if not plan.live:
            return actual
        started_s = self._clock()
        outcome = await self._proxy.apply(plan, actual)
        self._actual = outcome.actual
        self._report.servers_changed(plan, outcome, self._clock() - started_s)
        self._collect_later(outcome)
        return outcome.actual

    def _collect_later(self, outcome: Outcome[ActualT]) -> None:
        """Servers out of traffic are deleted when their last session has ended: try again, ever more rarely."""
        self._collect = self._collect.succeeded() if outcome.applied else self._collect.failed()
        wait_s = max(self._collect.wait_s, self._pace.collect_first_s)
        self._agenda = self._agenda.at(Job.COLLECT, self._clock() + wait_s if outcome.leftovers else NEVER)

    def _is_settled(self, plan: Plan) -> bool:
        """Whether a wanted change of structure is to be made now. Where nothing runs yet, no burst is waited for."""
        now_s, reasons = self._clock(), plan.structure
        if not reasons:
            self._settle, self._refusals = self._settle.cleared(), self._refusals.succeeded()
            self._not_before_s = -NEVER
        elif reasons != self._awaited:
            self._settle = self._settle.touched(now_s)
        self._awaited = reasons
        settled_s = now_s if ReloadKind.START in plan.kinds else self._settle.due_s
        due_s = max(settled_s, self._not_before_s, self._spacing.due_s)
        self._agenda = self._agenda.at(Job.RESTRUCTURE, due_s)
        return due_s <= now_s

    def _change_structure(self, plan: Plan, finished: Finished[ActualT] | None) -> None:
        """Begin a change of structure where it is time for one."""
        if self._structure.is_under_way:
            return
        if finished is not None:
            self._agenda = self._agenda.at(Job.OBSERVE, self._clock())  # what changed meanwhile is applied by now
            if plan.structure == finished.plan.structure:
                self._postpone()  # refused, or it did not help: a reload that changes nothing must not repeat at once
                return
        if self._is_settled(plan):
            collect_s = self._agenda.due_s(Job.COLLECT)
            self._agenda = Agenda().at(Job.COLLECT, collect_s)
            self._structure.begin(plan, self._wanted)

    def _wanted(self) -> DesiredT:
        if self._table is None:
            raise ValueError("nothing can be wanted of a proxy before a source has spoken")
        return self._proxy.desired(self._table)

    def _take(self, finished: Finished[ActualT]) -> None:
        """Go on with what a change of structure came to. Raises ProxyError where what runs is unknown now."""
        result = finished.result
        if isinstance(result, ConfigRefused):
            self._report.refused(result)
        elif isinstance(result, ProxyError):
            self._postpone()
            raise result
        else:
            self._settle, self._awaited = self._settle.cleared(), ()
            if result.reloaded:
                self._spacing = self._spacing.done(self._clock())
            self._actual = result.actual
            self._report.restructured(finished.plan, result, finished.took_s)

    def _postpone(self) -> None:
        """The change of structure that was just tried is still wanted: wait longer each time."""
        self._refusals = self._refusals.failed()
        self._not_before_s = self._clock() + self._refusals.wait_s
        self._agenda = self._agenda.at(Job.RESTRUCTURE, self._not_before_s)

    def _failed(self, error: ProxyError) -> None:
        if self._structure.is_under_way:  # that ends by telling what runs then; until then news goes to what was known
            self._agenda = Agenda()
            return
        self._actual = None
        self._retry = self._retry.failed()
        self._agenda = Agenda().at(Job.RETRY, self._clock() + self._retry.wait_s)
        self._report.failed(error, max(self._retry.wait_s, self._not_before_s - self._clock()))
