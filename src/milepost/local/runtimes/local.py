"""Tasks as processes of this machine, each in a sandbox folder of its own."""

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from milepost.local.runtimes.account import account
from milepost.local.runtimes.base import Control
from milepost.local.runtimes.catalogue import program_for
from milepost.local.runtimes.checks import run_beside
from milepost.local.runtimes.ending import unless_ended
from milepost.local.runtimes.guardian import Guardian
from milepost.local.runtimes.host_ports import taken_port
from milepost.local.runtimes.kept import KeptTasks
from milepost.local.runtimes.nginx import Nginx
from milepost.local.runtimes.process import Processes
from milepost.local.runtimes.program import NotRunnable
from milepost.local.runtimes.sandboxes import Sandboxes
from milepost.local.scheduler.effects import LaunchTask, PortTaken, TaskEnded

ENDED_EARLY = 1  # the exit status of a task that was ended before it ran
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ")  # nothing else of the scheduler's environment reaches a task


class LocalRuntime:
    """Runs tasks as processes, images by the catalogue."""

    def __init__(
        self,
        sandboxes: Sandboxes,
        processes: Processes,
        nginx: Nginx | None,
        kept: KeptTasks | None = None,
        guardian: Guardian | None = None,
    ) -> None:
        self._sandboxes, self._processes, self._nginx, self._kept = sandboxes, processes, nginx, kept
        self._guardian = guardian  # of the checks, which end with us also where tasks are kept

    async def run(self, launch: LaunchTask, control: Control) -> TaskEnded | PortTaken:
        """See `Runtime`. A host port in other hands is found before anything is started."""
        running = self._kept.pid(launch.task_id) if self._kept else None
        try:
            if running is None and (taken := taken_port(launch)) is not None:
                return PortTaken(launch.task_id, taken)
            ended = await (self._adopt(launch, running, control) if running else self._start(launch, control))
        except (NotRunnable, OSError, ValueError) as error:  # of the last kind: NUL in a command
            ended = TaskEnded(launch.task_id, 1, str(error))
        self._retire(launch.task_id)
        return ended

    async def _start(self, launch: LaunchTask, control: Control) -> TaskEnded:
        program, user = program_for(launch, self._nginx), account(launch.definition.user or "")
        sandbox = await unless_ended(control, partial(self._sandboxes.make, launch, user))
        if sandbox is None or control.stop.is_set() or control.crash.is_set():
            return TaskEnded(launch.task_id, ENDED_EARLY, "Ended before its process ran")
        noted = partial(self._kept.note, launch) if self._kept else lambda pid: None
        environment = self._environment(launch)
        status = await self._processes.run(program, sandbox, launch.node, environment, control, noted, user)
        return TaskEnded(launch.task_id, status, _how_it_ended(status, sandbox))

    async def _adopt(self, launch: LaunchTask, pid: int, control: Control) -> TaskEnded:
        program = replace(program_for(launch, self._nginx), note="taken over from an earlier scheduler")
        status = await self._processes.adopt(pid, program, control)
        return TaskEnded(launch.task_id, status, "Its exit status is not known: an earlier scheduler had started it")

    async def check(self, launch: LaunchTask, command: str) -> int:
        """See `Runtime`."""
        try:
            user = account(launch.definition.user or "")
        except NotRunnable as error:  # the user of a running task was removed
            raise OSError(str(error)) from error
        return await run_beside(
            command, self._sandboxes.of(launch.task_id), self._environment(launch), user, self._guardian
        )

    def _environment(self, launch: LaunchTask) -> Mapping[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {**inherited, "MESOS_SANDBOX": str(self._sandboxes.of(launch.task_id)), **launch.environment}

    def _retire(self, task_id: str) -> None:
        if self._kept:
            self._kept.forget(task_id)
        self._sandboxes.retire(task_id)


def _how_it_ended(status: int, sandbox: Path) -> str:
    if status < 0:
        return f"Command terminated with signal {signal.strsignal(-status)}"
    return f"Command exited with status {status}" + (f" (output in {sandbox})" if status else "")
