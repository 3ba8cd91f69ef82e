"""A task's processes: one session of their own, so that all of them end together."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import anyio

from milepost.local.runtimes.account import OURS, Account
from milepost.local.runtimes.base import Control
from milepost.local.runtimes.guardian import Guardian
from milepost.local.runtimes.leader import Leader, start
from milepost.local.runtimes.program import Program
from milepost.local.runtimes.turns import Turns

READY_POLL_S = 0.02


class Processes:
    """Starts tasks' processes and ends them. `notice_s` is the time that a task goes on serving after it was
    announced that it ends: balancers take it out meanwhile. Without a guardian, tasks outlive us."""

    def __init__(self, guardian: Guardian | None, notice_s: float) -> None:
        self._guardian, self._notice_s = guardian, notice_s
        self._turns = Turns()

    async def run(
        self,
        program: Program,
        sandbox: Path,
        node: str,
        environment: Mapping[str, str],
        control: Control,
        noted: Callable[[int], None] = lambda pid: None,
        account: Account = OURS,
    ) -> int:
        """Run `program` as `account` to its end; its exit status, negative for a signal. No process of it is left.

        `noted(pid)` is called as soon as it is started. Raises OSError if it cannot be.
        """
        async with self._turns.one():
            leader = _start(program, sandbox, environment, account)
        return await self._see_through(leader, program, node, control, noted)

    async def adopt(self, pid: int, program: Program, control: Control) -> int:
        """The same for a program that runs already. Raises OSError if it is gone."""
        return await self._see_through(Leader(pid), replace(program, answers_on=()), "", control, lambda pid: None)

    async def _see_through(
        self, leader: Leader, program: Program, node: str, control: Control, noted: Callable[[int], None]
    ) -> int:
        outlives_us = False
        try:
            noted(leader.pid)
            if self._guardian:
                self._guardian.watch(leader.pid)
            outlives_us = self._guardian is None
            async with anyio.create_task_group() as helpers:
                helpers.start_soon(self._stop_when_asked, leader, program, control)
                helpers.start_soon(_crash_when_asked, leader, control)
                if program.answers_on:
                    helpers.start_soon(_tell_when_ready, program, node, control)
                else:
                    control.started(program.note)
                status = await leader.wait()
                helpers.cancel_scope.cancel()
            return status
        finally:
            if not outlives_us or leader.returncode is not None:
                leader.signal(signal.SIGKILL)
                with anyio.CancelScope(shield=True):
                    await leader.wait()
            leader.close()
            if self._guardian:
                self._guardian.release(leader.pid)

    async def _stop_when_asked(self, leader: Leader, program: Program, control: Control) -> None:
        await control.stop.wait()
        await anyio.sleep(self._notice_s)
        async with self._turns.one():
            leader.signal(program.stop_signal)
        await anyio.sleep(control.grace_s)
        leader.signal(signal.SIGKILL)


async def _crash_when_asked(leader: Leader, control: Control) -> None:
    await control.crash.wait()
    leader.signal(signal.SIGKILL)


def _start(program: Program, sandbox: Path, environment: Mapping[str, str], account: Account) -> Leader:
    for name, text in program.files.items():
        (sandbox / name).write_text(text)
    with (sandbox / "stdout").open("ab") as out, (sandbox / "stderr").open("ab") as err:
        return start(program.argv, sandbox, environment, account=account, out=out, err=err)


async def _tell_when_ready(program: Program, node: str, control: Control) -> None:
    """Wait until each port takes a connection; cut short when the program ends before."""
    for port in program.answers_on:
        while True:
            try:
                async with await anyio.connect_tcp(node, port):
                    break
            except OSError:
                await anyio.sleep(READY_POLL_S)
    control.started(program.note)
