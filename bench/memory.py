"""`./run bench memory`: what the controller and the HAProxy worker hold in memory, by the number of tasks."""

import asyncio
import random
import statistics
import time
from pathlib import Path

import click

from bench.cluster import BenchApp, BenchTask
from bench.figures import noise_pct, shown
from bench.options import haproxy_option, json_option, sizes
from bench.scheduler import MarathonProcess
from bench.stage import Milepost, milepost
from bench.world import own_layout, own_marathon, shape_of
from milepost.proxies.haproxy.master import MasterSocket

READ_EVERY_S = 0.25
READS = 8
STEADY_PCT = 1.0
PATIENCE_S = 60.0
CHANGE_EVERY_S = 0.01
NEW_TASKS_AT, FIRST_NEW_PORT = "127.76.0.1", 30_000


@click.command()
@click.option("--tasks", default="10,1000,10000,100000", show_default=True, help="Sizes, separated by commas.")
@click.option("--changes", default=200, show_default=True, help="Tasks replaced before it is read once more.")
@haproxy_option
@json_option
def memory(tasks: str, changes: int, haproxy: str, *, as_json: bool) -> None:
    """Memory of the controller and of HAProxy, before and after changes."""
    rows = []
    for size in sizes(tasks):
        click.echo(f"{size} tasks ...", err=True)
        rows.append(asyncio.run(_measured(size, changes, haproxy)))
    click.echo(shown(rows, as_json=as_json))


async def _measured(tasks: int, changes: int, haproxy: str) -> dict[str, object]:
    shape = shape_of(tasks, 0)
    with own_marathon(shape) as scheduler:
        async with milepost(own_layout(haproxy, log_level="debug")) as running:
            worker = await _worker_pid(running)
            settled, worker_mb = await _steady(running.pid), resident_mb(worker)
            await _replace(scheduler, shape.made(), changes)
            changed, worker_changed_mb = await _steady(running.pid), resident_mb(worker)
            await _read_anew(running, scheduler)
            reread = await _steady(running.pid)
            status = await running.status()
            return {
                "tasks": tasks,
                "apps": shape.count,
                "haproxy": status["versions"]["haproxy"],
                "controller_mb": _mb(statistics.median(settled)),
                "changes": status["proxy"]["live_changes"],
                "changed_mb": _mb(statistics.median(changed)),
                "reread_mb": _mb(statistics.median(reread)),
                "peak_mb": _mb(resident_mb(running.pid, "VmHWM")),
                "worker_mb": _mb(worker_mb),
                "worker_changed_mb": _mb(worker_changed_mb),
                "noise_pct": noise_pct(settled),
            }


def _mb(value: float) -> float:
    return round(value, 1)


async def _replace(scheduler: MarathonProcess, apps: list[BenchApp], changes: int) -> None:
    """One task after another, of apps at random: the new one comes, the oldest goes."""
    for turn in range(changes):
        app = random.choice(apps)
        task = BenchTask(f"new.{turn}", NEW_TASKS_AT, FIRST_NEW_PORT + turn)
        scheduler.command({"app": app.number, "add": {"id": task.id, "host": task.host, "port": task.port}})
        app.tasks.append(task)
        scheduler.command({"app": app.number, "kill": app.tasks.pop(0).id})
        await asyncio.sleep(CHANGE_EVERY_S)


async def _read_anew(running: Milepost, scheduler: MarathonProcess) -> None:
    """Marathon's stream ends, so milepost reads all apps once more beside those that it has."""
    reads = len(running.notices("source_read"))
    scheduler.command({"cut": True})
    await running.until_logged("source_read", reads + 1)


async def _steady(pid: int) -> list[float]:
    """The last reads of its resident memory, in MB: once they no longer differ, or when patience is over."""
    reads = [resident_mb(pid)]
    until_s = time.monotonic() + PATIENCE_S
    while len(reads) < READS or (not _is_steady(reads[-READS:]) and time.monotonic() < until_s):
        await asyncio.sleep(READ_EVERY_S)
        reads.append(resident_mb(pid))
    return reads[-READS:]


def _is_steady(reads: list[float]) -> bool:
    return max(reads) - min(reads) <= STEADY_PCT / 100 * max(reads)


async def _worker_pid(running: Milepost) -> int:
    processes = await MasterSocket(running.state_dir / "haproxy-master.sock").processes()
    assert processes.worker is not None
    return processes.worker


def resident_mb(pid: int, field: str = "VmRSS") -> float:
    """Memory that the process holds now, or held at most for `VmHWM` (proc(5), `/proc/pid/status`)."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024
