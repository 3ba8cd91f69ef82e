"""The sides of the throughput bench: milepost's configuration, two written by hand, and the tasks behind them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.by_hand import FULL, PLAIN, write_by_hand
from bench.cluster import VHOST, BenchApp, make_apps
from bench.design import designed
from bench.pinned import halves, haproxy
from bench.world import own_task_port
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.render import render, render_map

MILEPOST, BY_HAND = "milepost", "by hand"
_PORT = 8081
_ANSWERING = """\
global
  maxconn 9000
  stats socket {folder}/admin.sock mode 600 level admin

defaults
  mode http
  timeout client 30s

frontend answering
{binds}
  http-request return status 200 content-type text/plain string "an answer of some forty bytes from a task"
"""


@dataclass(slots=True)
class Side:
    """One thing that takes load: where it listens, its process, and what came of each round."""

    name: str
    at: tuple[str, int]
    pid: int
    requests_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    failed: int = 0


@contextlib.contextmanager
def sides(folder: Path, binary: Binary, apps: list[BenchApp], asked: int, address: str) -> Iterator[list[Side]]:
    """All of them, serving; the tasks of the first `asked` apps answer."""
    under_test, rest = halves()
    with contextlib.ExitStack() as stack:
        answering = _write_answering(apps[:asked], _folder(folder, "direct"))
        task = apps[0].tasks[0]
        compared = (
            (MILEPOST, _PORT, _write_generated(apps, _folder(folder, "milepost"), binary, address)),
            (BY_HAND, _PORT + 1, write_by_hand(apps, _folder(folder, "plain"), address, _PORT + 1, PLAIN)),
            ("by hand, all lines", _PORT + 2, write_by_hand(apps, _folder(folder, "full"), address, _PORT + 2, FULL)),
        )
        yield [
            *(
                Side(name, (address, port), stack.enter_context(haproxy(binary, config, under_test)))
                for name, port, config in compared
            ),
            Side("tasks alone", (task.host, task.port), stack.enter_context(haproxy(binary, answering, rest))),
        ]


def apps_of(hosts: list[str], asked: int) -> list[BenchApp]:
    """One task each; those of the first `asked` have an address of their own."""
    apps = make_apps(len(hosts), 1, asked, own_task_port())
    for app, host in zip(apps, hosts, strict=True):
        app.labels[VHOST] = host
    return apps


def _write_answering(apps: list[BenchApp], folder: Path) -> Path:
    config = folder / "haproxy.cfg"
    binds = "\n".join(f"  bind {task.host}:{task.port}" for app in apps for task in app.tasks)
    config.write_text(_ANSWERING.format(folder=folder, binds=binds))
    return config


def _write_generated(apps: list[BenchApp], folder: Path, binary: Binary, address: str) -> Path:
    desired = designed(apps, folder, binary, address, _PORT)
    for path, entries in desired.maps.items():
        Path(path).write_text(render_map(entries))
    for path in desired.found_maps:
        Path(path).touch()
    config = folder / "haproxy.cfg"
    config.write_text(render(desired))
    return config


def _folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made
