"""The first command of a newcomer, as it is typed: every check of its story has to pass."""

import os
import subprocess
import sys

import pytest

from support.haproxy import free_ports

pytestmark = pytest.mark.system

PORTS = ("--marathon-port", "--service-port", "--appid-port", "--stats-port", "--web-port")


def test_the_demo_shows_the_whole_tutorial_and_ends_well() -> None:
    ports = [word for pair in zip(PORTS, map(str, free_ports(len(PORTS))), strict=True) for word in pair]
    done = subprocess.run(
        [sys.executable, "-m", "milepost", "demo", "--once", *ports],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "requests made meanwhile, 0 failed" in done.stdout + done.stderr
