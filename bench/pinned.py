"""HAProxies that keep to one part of the machine."""

import contextlib
import os
import subprocess
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from milepost.errors import MilepostError
from milepost.proxies.haproxy.binary import Binary

_STARTED_S = 30.0


def halves() -> tuple[frozenset[int], frozenset[int]]:
    """One CPU for what is measured, the others for the rest; the same one where there is no other."""
    first, *others = sorted(os.sched_getaffinity(0))
    return frozenset({first}), frozenset(others or {first})


@contextlib.contextmanager
def on_cpus(cpus: Collection[int]) -> Iterator[None]:
    """What is started in here keeps to `cpus`; HAProxy makes as many threads as it may use CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def haproxy(binary: Binary, config: Path, cpus: Collection[int]) -> Iterator[int]:
    """A HAProxy without a master, in the foreground, serving; its pid. `config` names `admin.sock` beside itself."""
    log = config.with_suffix(".log")
    with log.open("wb") as output, on_cpus(cpus):
        process = subprocess.Popen([binary.path, "-db", "-f", config], stdout=output, stderr=subprocess.STDOUT)
    try:
        _until_there(process, config.with_name("admin.sock"), log)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _until_there(process: "subprocess.Popen[bytes]", admin: Path, log: Path) -> None:
    deadline_s = time.monotonic() + _STARTED_S
    while not admin.exists():  # HAProxy gives it its name when all is bound
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise MilepostError(f"a HAProxy of the bench did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)
