"""`milepost marathon-lb` without `--sse`: one pass for a HAProxy of somebody else's, as a user runs it."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import MilepostError

_NO_WAIT = ("--command", "true", "--max-reload-retries", "1", "--reload-interval", "0")


@dataclass(frozen=True, slots=True)
class OneShot:
    """Seconds from the start of the process to the file in its place, and its largest resident memory in MB."""

    took_s: float
    peak_mb: float
    text_mb: float


def one_shot(marathon: str, folder: Path) -> OneShot:
    """One pass into the empty `folder`, from the Marathon at that URL. Raises MilepostError."""
    config = folder / "haproxy.cfg"
    command = [sys.executable, "-m", "milepost", "marathon-lb", "--group", "external", "--skip-validation", *_NO_WAIT]
    command += ["-m", marathon, "--haproxy-config", str(config), "--syslog-socket", "/dev/null"]
    command += ["--log-level", "error"]
    begun_s = time.time()
    pid = os.posix_spawn(sys.executable, command, {**os.environ, "TMPDIR": str(folder)})
    _, status, used = os.wait4(pid, 0)
    if status:
        raise MilepostError("milepost marathon-lb has failed; what it said stands above")
    written = config.stat()
    config.unlink()
    # A file's status changes when it is moved, and the reload command runs only after that.
    return OneShot(written.st_ctime - begun_s, used.ru_maxrss / 1024, written.st_size / 2**20)
