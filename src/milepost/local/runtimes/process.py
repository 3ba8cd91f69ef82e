"""A task's processes: one session of their own, so that all of them end together."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import anyio
from anyio.abc import Process

from milepost.local.runtimes.base import Control
from milepost.local.runtimes.guardian import Guardian
from milepost.local.runtimes.program import Program

READY_POLL_S = 0.02


class Processes:
    """Starts tasks' processes and ends them. `notice_s` is the time that a task goes on serving after it was
    announced that it ends: balancers take it out meanwhile."""

    def __init__(self, guardian: Guardian, notice_s: float) -> None:
        self._guardian, self._notice_s = guardian, notice_s

    async def run(
        self, program: Program, sandbox: Path, node: str, environment: Mapping[str, str], control: Control
    ) -> int:
        """Run `program` to its end; its exit status, negative for a signal. No process of its session is left.

        Raises OSError if it cannot be started.
        """
        with anyio.CancelScope(shield=True):  # cut short, it would leave what the process has started itself
            process = await _start(program, sandbox, environment)
        self._guardian.watch(process.pid)
        try:
            async with anyio.create_task_group() as helpers:
                helpers.start_soon(self._stop_when_asked, process, program, control)
                helpers.start_soon(_crash_when_asked, process, control)
                await _until_ready(process, node, program.answers_on)
                if process.returncode is None:
                    control.started(program.note)
                status = await process.wait()
                helpers.cancel_scope.cancel()
            return status
        finally:
            with anyio.CancelScope(shield=True):
                signal_all(process, signal.SIGKILL)
                await process.aclose()
            self._guardian.release(process.pid)

    async def _stop_when_asked(self, process: Process, program: Program, control: Control) -> None:
        await control.stop.wait()
        await anyio.sleep(self._notice_s)
        signal_all(process, program.stop_signal)
        await anyio.sleep(control.grace_s)
        signal_all(process, signal.SIGKILL)


async def _crash_when_asked(process: Process, control: Control) -> None:
    await control.crash.wait()
    signal_all(process, signal.SIGKILL)


def signal_all(process: Process, number: signal.Signals) -> None:
    """Send a signal to the whole session of `process`, also to what is left of it after its leader."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone
        os.killpg(process.pid, number)


async def _start(program: Program, sandbox: Path, environment: Mapping[str, str]) -> Process:
    for name, text in program.files.items():
        await anyio.Path(sandbox / name).write_text(text)
    async with (
        await anyio.open_file(sandbox / "stdout", "ab") as out,
        await anyio.open_file(sandbox / "stderr", "ab") as err,
    ):
        return await anyio.open_process(
            program.argv,
            stdin=subprocess.DEVNULL,
            stdout=out.wrapped,
            stderr=err.wrapped,
            cwd=sandbox,
            env=environment,
            start_new_session=True,
        )


async def _until_ready(process: Process, node: str, ports: tuple[int, ...]) -> None:
    """Wait until each port takes a connection, or the process is gone."""
    for port in ports:
        while process.returncode is None:
            try:
                async with await anyio.connect_tcp(node, port):
                    break
            except OSError:
                await anyio.sleep(READY_POLL_S)
