"""The project's yardstick, in sizes that take a second."""

import json
import subprocess
import sys
from typing import Any

from support.shared import ROOT


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)


def rows(*options: str) -> list[dict[str, Any]]:
    """What the bench prints with `--json`."""
    ended = bench(*options, "--json")
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout)
    return found
