"""The bench's Marathon as a process of its own, so that its work is not in the way of what is measured."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict

from bench.cluster import TASK_PORT, Shape
from bench.remote import Remote, remote

MarathonProcess = Remote
"""It does what it is told; `bench.marathon_process` says what it understands."""


@contextlib.contextmanager
def marathon(
    port: int,
    apps: int,
    tasks_each: int,
    live_apps: int,
    host: str = "127.0.0.1",
    task_port: int = TASK_PORT,
    *,
    is_checked: bool = False,
) -> Iterator[MarathonProcess]:
    """Listens at `host`; the rest as for `make_apps`. It ends when its input is closed."""
    shape = Shape(apps, tasks_each, live_apps, task_port, is_checked)
    with remote("bench.marathon_process", {"host": host, "port": port, "shape": asdict(shape)}) as process:
        yield process
