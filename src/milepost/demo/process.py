"""A milepost process that the demo starts, watches and ends, with what it printed kept in a file."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from milepost.errors import MilepostError


class Child:
    """A running `milepost ...`. It has a session of its own, so that a Ctrl-C reaches only the demo, which then
    ends its parts in order."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name, self._process, self._log = name, process, log

    @property
    def pid(self) -> int:
        return self._process.pid

    def require_alive(self) -> None:
        """Raise MilepostError with the end of its output if it has ended."""
        if (status := self._process.poll()) is not None:
            raise MilepostError(f"{self.name} ended with status {status}; its last words:\n{self.last_words()}")

    def last_words(self, lines: int = 12) -> str:
        """The end of what it printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self) -> None:
        """End it as a crash would: at once and without a word."""
        self._process.kill()
        self._process.wait()

    def stop(self, deadline_s: float = 15.0) -> None:
        """Ask it to end and wait; after `deadline_s` end it by force."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()


def start(name: str, folder: Path, *arguments: str) -> Child:
    """Start `milepost <arguments>` with this Python; its output goes to `<folder>/<name>.log`."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  # our own program with our own arguments, no shell
            [sys.executable, "-m", "milepost", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(f"milepost {arguments[0]}", process, log)


def run_to_end(*arguments: str, deadline_s: float = 15.0) -> None:
    """Run `milepost <arguments>` and wait; what it says and how it ends does not matter here."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603  # our own program with our own arguments, no shell
            [sys.executable, "-m", "milepost", *arguments], capture_output=True, check=False, timeout=deadline_s
        )
