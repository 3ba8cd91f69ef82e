"""`./run bench reload`: how long a reload takes, what of it takes how long, and how long a client waits meanwhile."""

import asyncio
import contextlib
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import click

from bench.cluster import FIRST_SERVICE_PORT, app_id, make_apps
from bench.figures import noise_pct, shown
from bench.log import Log
from bench.options import haproxy_option, json_option, sizes
from bench.reference import work_s
from bench.scheduler import MarathonProcess, marathon
from bench.soak.links import Door
from bench.stage import Layout, free_port, milepost, own_address
from bench.stages import STAGES, split
from bench.stall import Waits, keep_asking
from bench.tasks import AnsweringTasks
from milepost.proxies.haproxy.binary import find_binary

TASKS_EACH = 2
TASKS_AT = 8091  # the first port of those that answer
AFTER_S = 0.3  # a request that the old worker leaves behind may be answered after the new one was read back


@dataclass(slots=True)
class Found:
    """Of each reload, in seconds. `stall_s` and `rest_s`: the longest wait of a client during it, and at rest."""

    haproxy: str = ""
    wanted_s: list[float] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    stall_s: list[float] = field(default_factory=list)
    rest_s: list[float] = field(default_factory=list)
    work_s: list[float] = field(default_factory=list)
    failed: int = 0


@click.command()
@click.option("--apps", default="100,1000,5000,10000", show_default=True, help="Sizes, separated by commas.")
@click.option("--rounds", default=10, show_default=True, help="Reloads measured at each size.")
@click.option("--rest", "rest_ms", default=1000, show_default=True, help="Milliseconds of rest before each reload.")
@haproxy_option
@json_option
def reload(apps: str, rounds: int, rest_ms: int, haproxy: str, *, as_json: bool) -> None:
    """Duration of a reload, stage by stage, and a client's wait."""
    rows = []
    for size in sizes(apps):
        click.echo(f"{size} apps: {rounds} reloads, and {rounds} stage by stage ...", err=True)
        found = asyncio.run(_through_milepost(size, rounds, rest_ms / 1000, haproxy))
        binary = find_binary(haproxy, allow_bundled=True)
        laps = asyncio.run(split(binary, size, TASKS_EACH, rounds, own_address()))
        rows.append({"apps": size, **_row(found), **_stages(laps), "noise_pct": noise_pct(found.work_s)})
    click.echo(shown(rows, as_json=as_json))


async def _through_milepost(apps: int, rounds: int, rest_s: float, haproxy: str) -> Found:
    """Reloads that add and take away one app by turns, under a client with a kept connection and one without."""
    port, address = free_port(), own_address()
    layout = Layout(f"127.0.0.1:{port}", address, f"{address}:9095", haproxy)
    with marathon(port, apps, TASKS_EACH, 0) as scheduler:
        async with _answering(scheduler, address), milepost(layout) as running, _clients(address) as waits:
            found = Found((await running.status())["versions"]["haproxy"])
            log = Log(running.folder / "milepost.log")
            for command in itertools.islice(itertools.cycle(("deploy", "destroy")), rounds):
                await _one_reload(scheduler, {command: apps}, log, waits, found, rest_s)
            found.failed = sum(each.failed for each in waits)
            return found


async def _one_reload(
    scheduler: MarathonProcess, command: dict[str, int], log: Log, waits: list[Waits], found: Found, rest_s: float
) -> None:
    rested_s = time.monotonic()
    await asyncio.sleep(rest_s)
    found.work_s.append(await asyncio.to_thread(work_s))
    sent_s = scheduler.command(command)
    notice = await log.next("proxy_reloaded")
    found.wanted_s.append(time.monotonic() - sent_s)
    found.took_s.append(notice["took_ms"] / 1000)
    await asyncio.sleep(AFTER_S)
    found.rest_s.append(max(each.longest_s(rested_s, sent_s) for each in waits))
    found.stall_s.append(max(each.longest_s(sent_s, time.monotonic()) for each in waits))


def _row(found: Found) -> dict[str, object]:
    return {
        "haproxy": found.haproxy,
        "reloads": len(found.took_s),
        "wanted_ms": _ms(found.wanted_s),
        "took_ms": _ms(found.took_s),
        "took_max_ms": round(max(found.took_s) * 1000, 1),
        "stall_ms": round(max(found.stall_s) * 1000, 1),
        "rest_ms": round(max(found.rest_s) * 1000, 1),
        "failed": found.failed,
    }


def _stages(laps: Sequence[Mapping[str, float]]) -> dict[str, object]:
    return {f"{stage}_ms": _ms([lap[stage] for lap in laps]) for stage in STAGES}


def _ms(values: Sequence[float]) -> float:
    return round(statistics.median(values) * 1000, 1)


@contextlib.asynccontextmanager
async def _answering(scheduler: MarathonProcess, address: str) -> AsyncIterator[None]:
    """The first app gets tasks that answer, for the clients, instead of those that it had."""
    answering = AnsweringTasks()
    try:
        for number, old in enumerate(make_apps(1, TASKS_EACH, 0)[0].tasks):
            task = {"id": f"answering.{number}", "host": address, "port": TASKS_AT + number}
            await answering.listen(str(task["id"]), address, TASKS_AT + number)
            scheduler.command({"app": 0, "add": task})
            scheduler.command({"app": 0, "kill": old.id})
        yield
    finally:
        answering.close()


@contextlib.asynccontextmanager
async def _clients(address: str) -> AsyncIterator[list[Waits]]:
    door = Door(app_id(0), address, FIRST_SERVICE_PORT, "bench.example")
    waits = [Waits(), Waits()]
    asking = [asyncio.create_task(keep_asking(door, each, is_new=bool(new))) for new, each in enumerate(waits)]
    try:
        yield waits
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
