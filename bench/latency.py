"""`./run bench latency`: from an event sent to the first answer of the new task through HAProxy."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator

import click

from bench.cluster import TASK_PORT, BenchApp, loopback, make_apps, shape_of
from bench.figures import spread, table
from bench.scheduler import MarathonProcess, marathon
from bench.stage import Layout, milepost
from bench.tasks import AnsweringTasks, Asking

BALANCER = "127.0.59.1"
LIVE_APPS = 20


@click.command()
@click.option("--tasks", default="10,1000,10000", show_default=True, help="Sizes, in tasks, separated by commas.")
@click.option("--rounds", default=100, show_default=True, help="Changes measured at each size.")
@click.option("--rest", "rest_ms", default=100, show_default=True, help="Milliseconds of rest before each change.")
@click.option(
    "--haproxy", default="haproxy", show_default=True, help="The binary; the bundled one where it is missing."
)
@click.option("--marathon-port", default=18_080, show_default=True)
@click.option("--web-port", default=19_095, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def latency(
    tasks: str, rounds: int, rest_ms: int, haproxy: str, marathon_port: int, web_port: int, *, as_json: bool
) -> None:
    """From an event sent to the first answer of the new task through HAProxy, and how many reloads that took."""
    rows = []
    for size in (int(part) for part in tasks.split(",")):
        click.echo(f"{size} tasks: {rounds} changes ...", err=True)
        rows.append(asyncio.run(_measure(size, rounds, rest_ms / 1000, haproxy, marathon_port, web_port)))
    click.echo(json.dumps(rows, indent=2) if as_json else table(rows))


async def _measure(
    size: int, rounds: int, rest_s: float, haproxy: str, marathon_port: int, web_port: int
) -> dict[str, object]:
    count, tasks_each = shape_of(size)
    live = min(LIVE_APPS, count)
    layout = Layout(f"127.0.0.1:{marathon_port}", BALANCER, f"127.0.0.1:{web_port}", haproxy)
    with marathon(marathon_port, count, tasks_each, live) as scheduler:
        async with (
            milepost(layout) as running,
            _answering(count, tasks_each, live) as (apps, answering),
        ):
            before = await running.status()
            found = [
                await _one_change(scheduler, answering, random.choice(apps[:live]), turn, rest_s)
                for turn in range(rounds)
            ]
            after = await running.status()
    return {
        "tasks": size,
        "apps": count,
        "haproxy": after["versions"]["haproxy"],
        **spread([latency_s for latency_s, _ in found]),
        "reloads": after["proxy"]["reloads"] - before["proxy"]["reloads"],
        "noise_median_ms": spread([noise_s for _, noise_s in found])["median_ms"],
        "noise_p99_ms": spread([noise_s for _, noise_s in found])["p99_ms"],
    }


async def _one_change(
    scheduler: MarathonProcess, answering: AnsweringTasks, app: BenchApp, turn: int, rest_s: float
) -> tuple[float, float]:
    """Seconds from the event to the new task's first answer, and of one plain request beforehand (the noise).

    It rests before: what the last change left to do would else be counted here. Afterwards the oldest task of the
    app is killed, so that every round finds as many as the last.
    """
    task = {"id": f"new.{turn}", "host": loopback(60_000 + turn), "port": TASK_PORT}
    await answering.listen(str(task["id"]), str(task["host"]), TASK_PORT)
    client = await Asking.connect(BALANCER, app.service_port)
    try:
        await asyncio.sleep(rest_s)
        await client.ask()
        asked_s = time.monotonic()
        await client.ask()
        noise_s = time.monotonic() - asked_s
        sent_s = scheduler.command({"app": app.number, "add": task})
        async with asyncio.timeout(10):
            while await client.ask() != task["id"]:
                pass
        latency_s = time.monotonic() - sent_s
        oldest = app.tasks.pop(0).id
        app.tasks.append(type(app.tasks[0])(str(task["id"]), str(task["host"])))
        scheduler.command({"app": app.number, "kill": oldest})
        async with asyncio.timeout(10):
            quiet = 0
            while quiet < 3 * len(app.tasks):
                quiet = 0 if await client.ask() == oldest else quiet + 1
    finally:
        client.close()
    return latency_s, noise_s


@contextlib.asynccontextmanager
async def _answering(count: int, tasks_each: int, live: int) -> AsyncIterator[tuple[list[BenchApp], AnsweringTasks]]:
    """The live tasks of the first apps, answering."""
    apps, answering = make_apps(count, tasks_each, live), AnsweringTasks()
    try:
        for app in apps[:live]:
            for task in app.tasks:
                await answering.listen(task.id, task.host, task.port)
        yield apps, answering
    finally:
        answering.close()
