"""Ends the tasks when the scheduler itself is killed outright and can no longer do it."""

import contextlib
import subprocess
from pathlib import Path
from types import TracebackType

# Waits for the end of its standard input, which the death of the scheduler brings, however it died. Then each
# file in the folder $1 names a session to end. The folder $2, if given, is temporary and goes too.
SCRIPT = """\
trap '' INT TERM HUP
cat >/dev/null
cd "$1" 2>/dev/null && for group in [0-9]*; do kill -s KILL -- "-$group"; done 2>/dev/null
[ -z "$2" ] || rm -rf -- "$2"
"""


class Guardian:
    """A small shell that outlives the scheduler for a moment. `folder` holds one empty file for each session.

    On leaving the block it has nothing to do any more and ends.
    """

    def __init__(self, folder: Path, temporary: Path | None) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.iterdir():
            stale.unlink()  # of a run before this one, whose guardian has long done its work
        self._shell = subprocess.Popen(  # noqa: S603  # our own script, with folders as its only arguments
            ["/bin/sh", "-c", SCRIPT, "sh", str(folder), str(temporary or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> "Guardian":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shell.communicate()
        with contextlib.suppress(OSError):  # where tasks are kept, their folder is
            self._folder.rmdir()

    def watch(self, group: int) -> None:
        """End this session if the scheduler dies."""
        (self._folder / str(group)).touch()

    def release(self, group: int) -> None:
        """The session is gone; its number may soon belong to somebody else."""
        (self._folder / str(group)).unlink(missing_ok=True)
