"""HAProxy as a process of its own, in master-worker mode, that outlives milepost (`mode = "own"`).

`-D` and not a child in a session of its own: HAProxy then answers by exit status and words whether it started,
belongs to init and not to us, and so neither our end nor our crash touches it. It is known by its sockets: the
pid comes from the master socket, the pid file is for people and scripts.
"""

import os
import resource
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from milepost.errors import Overdue, ProxyError


@dataclass(frozen=True, slots=True)
class Launch:
    """How HAProxy is started: `environment` is all that it gets, so that no text can read our secrets from it."""

    binary: Path
    config: Path
    master_socket: Path
    pid_file: Path
    environment: Mapping[str, str]

    @property
    def command(self) -> list[str]:
        master = f"{self.master_socket},mode,600"
        return [str(self.binary), "-W", "-D", "-f", str(self.config), "-S", master, "-p", str(self.pid_file)]


def named_environment(names: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Only the named variables of `environment`."""
    return {name: environment[name] for name in names if name in environment}


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that came to its end: exit status and what it said, output and errors together."""

    status: int
    words: str


async def run_program(command: Sequence[str], environment: Mapping[str, str], timeout_s: float) -> Ran:
    """Run to the end. Raises ProxyError where it cannot be run, Overdue where it takes longer."""
    try:
        with anyio.fail_after(timeout_s):
            done = await anyio.run_process(
                command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, check=False, env=dict(environment)
            )
    except TimeoutError as error:
        raise Overdue(f"{command[0]} did not end within {timeout_s:g} s") from error
    except OSError as error:
        raise ProxyError(f"{command[0]} cannot be run: {error.strerror}") from error
    return Ran(done.returncode, done.stdout.decode(errors="replace"))


async def launch(how: Launch, timeout_s: float = 30.0) -> Ran:
    """Start HAProxy; its status is 0 as soon as its listeners are bound and its worker is on the way.

    Our own soft limit on open files is raised to the hard one, which HAProxy inherits: its file is made for that.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return await run_program(how.command, how.environment, timeout_s)


async def wait_for_death(pid: int) -> None:
    """Return at once when the process `pid` has ended, also where it is nobody's child of ours."""
    with _opened(pid) as descriptor:
        if descriptor is not None:
            await anyio.wait_readable(descriptor)


def is_alive(pid: int) -> bool:
    """Whether the process `pid` is there and has not ended."""
    with _opened(pid) as descriptor:
        return descriptor is not None


def is_run(command: Sequence[str]) -> bool:
    """Whether any process was started by this very command (proc(5), `/proc/pid/cmdline`: empty once it has ended)."""
    wanted = "".join(f"{word}\0" for word in command).encode()
    return any(_content(path) == wanted for path in Path("/proc").glob("[0-9]*/cmdline"))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended in between


async def stop(pid: int, grace_s: float) -> None:
    """End the master `pid` and its workers: let running requests finish for `grace_s`, then end them.

    Raises ProxyError where it does not even end when killed.
    """
    with _opened(pid) as descriptor:
        if descriptor is None:
            return
        for number, wait_s in ((signal.SIGUSR1, grace_s), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0)):
            _send(descriptor, number)
            with anyio.move_on_after(wait_s):
                await anyio.wait_readable(descriptor)
                return
    raise ProxyError(f"HAProxy (pid {pid}) did not end when it was killed")


def end_child(pid: int, parent: int) -> str:
    """Tell the process `pid` to end at once, if it is a child of `parent`; "" where it was told, else why not.

    What pids mean depends on who says them: a HAProxy in a container of its own has others than we see.
    """
    with _opened(pid) as descriptor:
        if descriptor is None:
            return "no process has its pid here"
        if _parent_of(pid) != parent:
            return f"here its pid is no child of HAProxy's master, pid {parent}: does HAProxy run in a container?"
        try:
            _send(descriptor, signal.SIGTERM)
        except PermissionError:
            return "it runs as another user"
    return ""


def _parent_of(pid: int) -> int:
    """0 where it has ended (proc(5), `/proc/pid/stat`: the name may hold anything, so count from its bracket)."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _send(descriptor: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return  # it has ended in between


@contextmanager
def _opened(pid: int) -> Iterator[int | None]:
    """A descriptor that means this one process, whatever its pid is used for later. None where it has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield None if _is_readable(descriptor) else descriptor
    finally:
        os.close(descriptor)


def _is_readable(descriptor: int) -> bool:
    """Of a process that has ended, also one that nobody has waited for yet."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
