"""`./run bench reload`: how long a reload takes, what of it takes how long, and how long a client waits meanwhile."""

import asyncio
import contextlib
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import click

from bench.cluster import BenchApp, Shape
from bench.figures import noise_pct, shown
from bench.options import haproxy_option, json_option, sizes
from bench.reference import work_s
from bench.soak.links import Door
from bench.stage import logged_s
from bench.stages import STAGES, split
from bench.stall import Waits, keep_asking
from bench.world import World, own_address, own_task_port, world
from milepost.proxies.haproxy.binary import find_binary

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
        laps = asyncio.run(split(binary, size, rounds, own_address()))
        rows.append({"apps": size, **_row(found), **_stages(laps), "noise_pct": noise_pct(found.work_s)})
    click.echo(shown(rows, as_json=as_json))


async def _through_milepost(apps: int, rounds: int, rest_s: float, haproxy: str) -> Found:
    """Reloads that add and take away one app by turns, under a client with a kept connection and one without."""
    shape = Shape(apps, live_apps=1, task_port=own_task_port())
    async with world(shape, haproxy, 1) as there, _clients(there.apps[0]) as waits:
        found = Found((await there.milepost.status())["versions"]["haproxy"])
        for command in itertools.islice(itertools.cycle(("deploy", "destroy")), rounds):
            await _one_reload(there, {command: apps}, waits, found, rest_s)
        found.failed = sum(each.failed for each in waits)
        return found


async def _one_reload(
    there: World, command: dict[str, int], waits: Sequence[Waits], found: Found, rest_s: float
) -> None:
    rested_s = time.monotonic()
    await asyncio.sleep(rest_s)
    found.work_s.append(await asyncio.to_thread(work_s))
    before = len(there.milepost.notices("proxy_reloaded"))
    sent_s = there.marathon.command(command)
    offset_s = time.time() - time.monotonic()
    notice = await there.milepost.until_logged("proxy_reloaded", before + 1)
    found.wanted_s.append(logged_s(notice) - offset_s - sent_s)
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
async def _clients(app: BenchApp) -> AsyncIterator[list[Waits]]:
    door = Door(app.id, own_address(), app.service_port, "bench.example")
    waits = [Waits(), Waits()]
    asking = [asyncio.create_task(keep_asking(door, each, is_new=bool(new))) for new, each in enumerate(waits)]
    try:
        yield waits
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
