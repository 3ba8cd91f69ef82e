"""`./run bench latency`: from an event sent to the first answer of the new task through HAProxy."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click

from bench.bad_news import bad_news_rows, kinds_of
from bench.cluster import BenchApp, Shape
from bench.figures import shown, spread
from bench.options import haproxy_option, json_option, sizes
from bench.process import cpu_s
from bench.remote import Remote, remote
from bench.world import DEADLINE_S, World, own_address, shape_of, until_unheard, world

LIVE_APPS = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """How one size is measured, and what goes on beside it: `connections` of load, 0 for none."""

    haproxy: str
    rounds: int
    limit_s: float
    rest_s: float
    changes_per_s: float
    requests_per_s: float
    connections: int

    @property
    def is_alone(self) -> bool:
        return not self.changes_per_s and not self.connections


@click.command()
@click.option("--tasks", default="10,1000,10000", show_default=True, help="Sizes, in tasks, separated by commas.")
@click.option("--rounds", default=100, show_default=True, help="Changes measured at each size.")
@click.option("--limit", "limit_s", default=180.0, show_default=True, help="Seconds after which no round begins.")
@click.option("--rest", "rest_ms", default=100, show_default=True, help="Milliseconds of rest before each change.")
@click.option("--changes-per-s", default=0.0, help="Task changes beside it, of other apps.")
@click.option("--load", is_flag=True, help="Requests beside it, to other apps.")
@click.option("--connections", default=16, show_default=True, help="Of --load; one request is under way on each.")
@click.option("--requests-per-s", default=0.0, help="The most that --load makes; 0: as many as are carried.")
@click.option(
    "--bad-news",
    is_flag=False,
    flag_value="killing,failed,unhealthy",
    metavar="[KINDS]",
    help='Measure bad news instead, with a Marathon slow to answer: "killing", "failed", "unhealthy", "lost".',
)
@haproxy_option
@json_option
def latency(
    tasks: str, bad_news: str | None, rest_ms: int, connections: int, *, load: bool, as_json: bool, **rest: Any
) -> None:
    """From an event sent to the first answer of the new task through HAProxy, and how many reloads that took."""
    wish = Wish(rest_s=rest_ms / 1000, connections=connections if load else 0, **rest)
    kinds = kinds_of(bad_news) if bad_news else ()
    rows: list[dict[str, object]] = []
    for size in sizes(tasks):
        click.echo(f"{size} tasks: {wish.rounds} changes ...", err=True)
        if kinds:
            rows += asyncio.run(bad_news_rows(size, kinds, wish.rounds, wish.haproxy))
        else:
            rows.append(asyncio.run(_measured(size, wish)))
    click.echo(shown(rows, as_json=as_json))


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at one moment: CPU of milepost, task changes and requests made beside the measurement."""

    at_s: float
    cpu_s: float
    changes: float
    requests: int = 0
    errors: int = 0


async def _measured(size: int, wish: Wish) -> dict[str, object]:
    live = LIVE_APPS if wish.is_alone else 2 * LIVE_APPS
    shape = shape_of(size, live)
    measured = min(LIVE_APPS, shape.live_apps) if wish.is_alone else shape.live_apps // 2
    async with world(shape, wish.haproxy, measured) as there:
        with _beside(there, shape, measured, wish) as load:
            earlier = await there.milepost.status()  # to answer that costs CPU: it stays out of what is measured
            before = _reading(there, load)
            found = await _rounds(there, wish)
            after = _reading(there, load)
        status = await there.milepost.status()
    return {
        "tasks": size,
        "apps": shape.count,
        "haproxy": status["versions"]["haproxy"],
        "rounds": len(found),
        **spread([latency_s for latency_s, _ in found]),
        **_costs(before, after, 2 * len(found), status["proxy"]["reloads"] - earlier["proxy"]["reloads"]),
        "noise_median_ms": spread([noise_s for _, noise_s in found])["median_ms"],
        "noise_p99_ms": spread([noise_s for _, noise_s in found])["p99_ms"],
    }


def _costs(before: Reading, after: Reading, changes: int, reloads: int) -> dict[str, object]:
    """What the changes cost, those that were measured and those beside them; a round is a start and a kill."""
    seconds = after.at_s - before.at_s
    beside = after.changes - before.changes
    return {
        "changes_per_s": round((changes + beside) / seconds, 1),
        "requests_per_s": round((after.requests - before.requests) / seconds),
        "errors": after.errors - before.errors,
        "reloads": reloads,
        "reloads_per_1000": round(1000 * reloads / (changes + beside), 2),
        "cpu_ms_per_change": round(1000 * (after.cpu_s - before.cpu_s) / (changes + beside), 2),
    }


@contextlib.contextmanager
def _beside(there: World, shape: Shape, first: int, wish: Wish) -> Iterator[Remote | None]:
    """Load on the live apps from number `first` on, task changes of those that are not live."""
    with contextlib.ExitStack() as stack:
        load = None
        if wish.connections:
            apps = {"shape": asdict(shape), "first": first, "last": shape.live_apps}
            bounds = {"connections": wish.connections, "requests_per_s": wish.requests_per_s}
            load = stack.enter_context(remote("bench.busy", {"balancer": own_address(), **apps, **bounds}))
        there.marathon.command({"churn": wish.changes_per_s, "first": shape.live_apps})
        yield load
        there.marathon.command({"churn": 0})


def _reading(there: World, load: Remote | None) -> Reading:
    carried = load.command({}) if load else {}
    changes = there.marathon.command({"tell": "changes"})
    return Reading(time.monotonic(), cpu_s(there.milepost.pid), changes, **carried)


async def _rounds(there: World, wish: Wish) -> list[tuple[float, float]]:
    """At least one, then as many as are wanted and begin in time."""
    until_s = time.monotonic() + wish.limit_s
    found = [await _one_change(there, random.choice(there.apps), 0, wish.rest_s)]
    while len(found) < wish.rounds and time.monotonic() < until_s:
        found.append(await _one_change(there, random.choice(there.apps), len(found), wish.rest_s))
    return found


async def _one_change(there: World, app: BenchApp, turn: int, rest_s: float) -> tuple[float, float]:
    """Seconds from the event to the new task's first answer, and of one plain request beforehand (the noise).

    It rests before: what the last change left to do would else be counted here. Afterwards the oldest task of the
    app is killed, so that every round finds as many as the last.
    """
    task = await there.new_task(turn)
    client = await there.asking(app)
    try:
        await asyncio.sleep(rest_s)
        noise_s = await client.timed()
        start = {"id": task.id, "host": task.host, "port": task.port}
        sent_s = there.marathon.command({"app": app.number, "add": start})
        async with asyncio.timeout(DEADLINE_S):
            while await client.ask() != task.id:
                pass
        latency_s = time.monotonic() - sent_s
        app.tasks.append(task)
        oldest = app.tasks.pop(0)
        there.marathon.command({"app": app.number, "kill": oldest.id})
        await until_unheard(client, oldest.id, 3 * len(app.tasks))
    finally:
        client.close()
    return latency_s, noise_s
