"""A task's first process, which leads its session."""

import os
import subprocess
from typing import Protocol

import anyio

UNKNOWN = 255  # the exit status of a process that was not our child, which only its parent could tell


class Leader(Protocol):
    """What is asked of it; a process of anyio is one, and ends with us."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    async def aclose(self) -> None: ...


class Detached:
    """A leader that may outlive us: our `child`, or a process that an earlier scheduler has started.

    Raises ProcessLookupError if there is no such process.
    """

    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid, self._child = pid, child
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)

    async def wait(self) -> int:
        """Its exit status; UNKNOWN where it is not our child."""
        await anyio.wait_readable(self._descriptor)
        self.returncode = self._child.wait() if self._child else UNKNOWN
        return self.returncode

    async def aclose(self) -> None:
        """Look away from it; if it runs, it runs on."""
        os.close(self._descriptor)
        if self._child and self.returncode is None:
            self._child.returncode = UNKNOWN  # else Popen warns of a child that it takes for forgotten


def identity(pid: int) -> str | None:
    """What tells this process from a later one of the same number: the boot and its start; None if it is not there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat, open("/proc/sys/kernel/random/boot_id") as boot:
            state, *fields = stat.read().rpartition(b")")[2].split()
            return None if state == b"Z" else f"{boot.read().strip()} {int(fields[18])}"
    except (FileNotFoundError, ProcessLookupError):
        return None
