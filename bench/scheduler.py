"""The bench's Marathon as a process of its own, so that its work is not in the way of what is measured."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from milepost.errors import MilepostError


class MarathonProcess:
    """Does what it is told over its standard input; see `bench.marathon`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def command(self, command: Mapping[str, Any]) -> float:
        """Carry it out; returns when its event was sent (monotonic seconds)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


@contextlib.contextmanager
def marathon(port: int, *shape: int) -> Iterator[MarathonProcess]:
    """At 127.0.0.1. `shape`: apps, tasks of each, apps whose tasks answer. It ends when its input is closed."""
    arguments = [sys.executable, "-m", "bench.marathon", str(port), *(str(number) for number in shape)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise MilepostError(f"the bench's Marathon did not start; is port {port} taken?")
        try:
            yield MarathonProcess(process)
        finally:
            process.stdin.close()
