"""Reloading somebody else's HAProxy: the command, and the wait for a new process (marathon-lb-behaviour.md 17.3)."""

import logging
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from milepost.compat.marathon_lb.processes import Process
from milepost.errors import SettingsError

_log = logging.getLogger(__name__)
_POLL_S = 0.1
_SYSTEMD = ("usr/lib/systemd/system", "lib/systemd/system", "etc/systemd/system")


def guessed_command(root: Path = Path("/")) -> tuple[str, ...]:
    """How this machine's own HAProxy is reloaded, empty where it has no unit."""
    if (root / "etc/init/haproxy.conf").exists():
        return ("reload", "haproxy")
    if any((root / folder / "haproxy.service").exists() for folder in _SYSTEMD):
        return ("systemctl", "reload", "haproxy")
    if (script := root / "etc/init.d/haproxy").exists():
        return (str(script), "reload")
    return ()


def split_command(command: str) -> tuple[str, ...]:
    """As a shell would. Raises SettingsError where it is no command."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise SettingsError(f"--command: {error}: {command}") from None
    if not words:
        raise SettingsError("--command: expected a command, got nothing")
    return tuple(words)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a new process is waited for: `runs` of the command, `interval_s` apart.

    `runs` 0: one run and no end of the wait; negative: repeated without end.
    """

    runs: int
    interval_s: float


class Reload:
    """Runs the command when asked, one run at a time. Who asks does not wait: see `run`.

    `processes` are those of HAProxy now.
    """

    def __init__(self, command: Sequence[str], patience: Patience, processes: Callable[[], frozenset[Process]]) -> None:
        self._command, self._patience, self._processes = list(command), patience, processes
        self._wanted = anyio.Event()

    def ask(self) -> None:
        """Have HAProxy reloaded soon; several wishes in one breath are one reload."""
        self._wanted.set()

    async def run(self) -> None:
        """Reload on each wish, until cancelled."""
        while True:
            await self._wanted.wait()
            await self.reload()

    async def reload(self) -> bool:
        """Reload until a new process shows up, the patience is at its end, or, at one of its expiries, a newer wish has
        come. Tells whether a new process showed up.
        """
        self._wanted = anyio.Event()
        before = self._processes()
        await self._run_command()
        expiries = 0
        while not await self._new_process(before):
            expiries += 1
            if expiries == self._patience.runs or self._wanted.is_set():
                _log.debug("no new HAProxy process was seen after %s", shlex.join(self._command))
                return False
            if self._patience.runs:
                await self._run_command()
        return True

    async def _new_process(self, before: frozenset[Process]) -> bool:
        """Whether one shows up within the interval."""
        with anyio.move_on_after(self._patience.interval_s):
            while not self._processes() - before:
                await anyio.sleep(_POLL_S)
            return True
        return False

    async def _run_command(self) -> None:
        """What it prints goes where our own output goes (its Q52). Its failure is logged: HAProxy runs on."""
        _log.info("reloading HAProxy: %s", shlex.join(self._command))
        try:
            with anyio.CancelScope(shield=True):  # who ends us does not mean to cut a reload short
                done = await anyio.run_process(self._command, stdin=None, stdout=None, stderr=None, check=False)
        except OSError as error:
            _log.error("the reload command %s cannot be run: %s", self._command[0], error.strerror)
        else:
            if done.returncode:
                _log.error("the reload command %s ended with status %d", shlex.join(self._command), done.returncode)
