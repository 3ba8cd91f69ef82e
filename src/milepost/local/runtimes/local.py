"""Tasks as processes of this machine, each in a sandbox folder of its own."""

import os
import re
import shutil
import signal
import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from milepost.local.runtimes.base import Control
from milepost.local.runtimes.catalogue import program_for
from milepost.local.runtimes.kept import KeptTasks
from milepost.local.runtimes.nginx import Nginx
from milepost.local.runtimes.process import Processes
from milepost.local.runtimes.program import NotRunnable
from milepost.local.scheduler.effects import LaunchTask, PortTaken, TaskEnded

SANDBOXES_KEPT = 20
TASK_ID = re.compile(r"[a-z0-9][\w.\-]*")  # as the scheduler makes them; nothing that leads out of a folder
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ")  # nothing else of the scheduler's environment reaches a task


class LocalRuntime:
    """Runs tasks below `folder`. The sandboxes of the latest ended tasks stay for a look at their output."""

    def __init__(self, folder: Path, processes: Processes, nginx: Nginx | None, kept: KeptTasks | None = None) -> None:
        self._folder, self._processes, self._nginx, self._kept = folder, processes, nginx, kept
        self._ended: deque[Path] = deque()

    async def run(self, launch: LaunchTask, control: Control) -> TaskEnded | PortTaken:
        """See `Runtime`. A host port in other hands is found before anything is started."""
        running = self._kept.pid(launch.task_id) if self._kept else None
        if running is None:
            taken = next((port for port in launch.ports if not _is_free(launch.node, port)), None)
            if taken is not None:
                return PortTaken(launch.task_id, taken)
        try:
            ended = await (self._adopt(launch, running, control) if running else self._start(launch, control))
        except (NotRunnable, OSError, ValueError) as error:  # of the last kind: NUL in a command
            ended = TaskEnded(launch.task_id, 1, str(error))
        self._retire(launch.task_id)
        return ended

    async def _start(self, launch: LaunchTask, control: Control) -> TaskEnded:
        sandbox, environment = self.surroundings(launch)
        program = program_for(launch, self._nginx)
        await anyio.Path(sandbox).mkdir(parents=True)
        noted = partial(self._kept.note, launch) if self._kept else lambda pid: None
        status = await self._processes.run(program, sandbox, launch.node, environment, control, noted)
        return TaskEnded(launch.task_id, status, _how_it_ended(status, sandbox))

    async def _adopt(self, launch: LaunchTask, pid: int, control: Control) -> TaskEnded:
        program = replace(program_for(launch, self._nginx), note="taken over from an earlier scheduler")
        status = await self._processes.adopt(pid, program, control)
        return TaskEnded(launch.task_id, status, "Its exit status is not known: an earlier scheduler had started it")

    def surroundings(self, launch: LaunchTask) -> tuple[Path, Mapping[str, str]]:
        """See `Runtime`."""
        sandbox = self._folder / launch.task_id
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return sandbox, {**inherited, "MESOS_SANDBOX": str(sandbox), **launch.environment}

    def kept(self, task_id: str) -> Path | None:
        """The sandbox of a task that runs or ended lately, None where there is none."""
        sandbox = self._folder / task_id
        return sandbox if TASK_ID.fullmatch(task_id) and sandbox.is_dir() else None

    def _retire(self, task_id: str) -> None:
        if self._kept:
            self._kept.forget(task_id)
        self._ended.append(self._folder / task_id)
        while len(self._ended) > SANDBOXES_KEPT:
            shutil.rmtree(self._ended.popleft(), ignore_errors=True)


def _is_free(node: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((node, port))
        except OSError:
            return False
    return True


def _how_it_ended(status: int, sandbox: Path) -> str:
    if status < 0:
        return f"Command terminated with signal {signal.strsignal(-status)}"
    return f"Command exited with status {status}" + (f" (output in {sandbox})" if status else "")
