"""`milepost local` where the soft limit on open files is low, as it is on most machines."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


def test_the_scheduler_allows_itself_as_many_files_as_it_may() -> None:
    limited = ["sh", "-c", 'ulimit -Sn 100; exec "$@"', "sh", sys.executable, "-m", "milepost", "local"]
    with subprocess.Popen([*limited, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True) as scheduler:
        try:
            assert scheduler.stderr
            assert "answers at" in scheduler.stderr.readline()
            limits = Path(f"/proc/{scheduler.pid}/limits").read_text()
            soft, hard = next(line for line in limits.splitlines() if "open files" in line).split()[3:5]
            assert soft == hard
        finally:
            scheduler.terminate()
