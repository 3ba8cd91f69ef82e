"""A task's first process, which leads its session."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import anyio

from milepost.local.runtimes.account import OURS, Account

UNKNOWN = 255  # the exit status of a process that was not our child, which only its parent could tell


class Leader:
    """Our `child`, or a process that an earlier scheduler has started. It may outlive us.

    It is watched through a descriptor of its own: no thread waits for it (pidfd_open(2)). Raises ProcessLookupError if
    there is no such process.
    """

    def __init__(self, pid: int, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self.pid, self._child = pid, child
        self.returncode: int | None = None
        self._strays: dict[int, str] = {}  # processes that have left its group, and what tells each from a later one
        self._descriptor = os.pidfd_open(pid)

    async def wait(self) -> int:
        """Its exit status, negative for a signal; UNKNOWN where it is not our child."""
        if self.returncode is None:
            await anyio.wait_readable(self._descriptor)
            self.returncode = self._child.wait() if self._child else UNKNOWN
        return self.returncode

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole process group, also to what is left of that after itself, and to what it has
        started and has left the group, as far as we may open files to find that."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self._strays.update(_strays(self.pid))
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone
            os.killpg(self.pid, number)
        for pid, found in self._strays.items():
            with contextlib.suppress(OSError):
                if identity(pid) == found:
                    os.kill(pid, number)

    def close(self) -> None:
        """Look away from it; if it runs, it runs on."""
        os.close(self._descriptor)
        if self._child and self.returncode is None:
            self._child.returncode = UNKNOWN  # else Popen warns of a child that it takes for forgotten


def start(
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    account: Account = OURS,
    out: int | IO[bytes] = subprocess.DEVNULL,
    err: int | IO[bytes] = subprocess.DEVNULL,
) -> Leader:
    """Start a program in `folder`, in a session of its own. Raises OSError if it cannot be started or watched."""
    child = subprocess.Popen(  # noqa: S603  # what the app's owner wants run
        argv,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        cwd=folder,
        env=environment,
        start_new_session=True,
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
    )
    try:
        return Leader(child.pid, child)
    except OSError:
        child.kill()
        child.wait()
        raise


def identity(pid: int) -> str | None:
    """What tells this process from a later one of the same number: the boot and its start; None if it is not there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat, open("/proc/sys/kernel/random/boot_id") as boot:
            state, *fields = stat.read().rpartition(b")")[2].split()
            return None if state == b"Z" else f"{boot.read().strip()} {int(fields[18])}"
    except (FileNotFoundError, ProcessLookupError):
        return None


def _strays(leader: int) -> dict[int, str]:
    """What descends from the process but is in another group than it leads. An orphan has no such line any more."""
    found = {pid: identity(pid) for pid in _descendants(leader) if _group(pid) != leader}
    return {pid: known for pid, known in found.items() if known}


def _descendants(pid: int) -> Iterator[int]:
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children = [int(word) for word in file.read().split()]
            for child in children:
                yield child
                yield from _descendants(child)
    except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
        return


def _group(pid: int) -> int:
    """Its process group, 0 if it is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
