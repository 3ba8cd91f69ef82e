"""`./run bench recovery`: HAProxy killed, and a start while Marathon is down: how long until requests are served."""

import asyncio
import contextlib
import os
import signal
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import click

from bench.cluster import BenchApp, Shape
from bench.figures import noise_pct, shown
from bench.options import haproxy_option, json_option
from bench.process import is_gone
from bench.reference import work_s
from bench.stage import Milepost, started
from bench.world import START_S, answering, own_layout, own_marathon, own_task_port, until_answered

REST_S = 1.0
NOISE_SAMPLES = 10  # before each round
_POLL_S = 0.001


@click.command()
@click.option("--apps", default=10_000, show_default=True, help="Apps, each of them a backend of two servers.")
@click.option("--rounds", default=5, show_default=True, help="How often each of the three is done.")
@haproxy_option
@json_option
def recovery(apps: int, rounds: int, haproxy: str, *, as_json: bool) -> None:
    """From a kill -9 of HAProxy, and from a start without Marathon, to HAProxy serving a request."""
    click.echo(f"{apps} apps: {rounds} rounds ...", err=True)
    click.echo(shown(asyncio.run(_measured(apps, rounds, haproxy)), as_json=as_json))


async def _measured(apps: int, rounds: int, haproxy: str) -> list[dict[str, object]]:
    shape = Shape(apps, live_apps=1, task_port=own_task_port())
    app = shape.made()[0]
    with contextlib.ExitStack() as marathon:
        marathon.enter_context(own_marathon(shape))
        with started(own_layout(haproxy)) as running:
            async with answering([app]):
                await running.until_serving()
                await until_answered(running, app)
                await running.until_logged("proxy_started")
                version = running.notices("milepost_started")[0]["proxy_version"]
                about = {"apps": apps, "haproxy": version, "rounds": rounds}
                master = await _row("kill -9 of the master", about, lambda: _killed(running, app, is_master=True))
                worker = await _row("kill -9 of the worker", about, lambda: _killed(running, app, is_master=False))
                await _until_saved(running)
                marathon.close()
                start = await _row("start without Marathon", about, lambda: _started_alone(running, app))
    return [master, worker, start]


async def _row(what: str, about: Mapping[str, Any], one_round: Callable[[], Awaitable[float]]) -> dict[str, object]:
    found, noise = [], []
    for _ in range(about["rounds"]):
        noise += [work_s() for _ in range(NOISE_SAMPLES)]
        found.append(await one_round())
    return {
        "what": what,
        **about,
        "median_s": round(statistics.median(found), 3),
        "max_s": round(max(found), 3),
        "noise_pct": noise_pct(noise),
    }


async def _killed(running: Milepost, app: BenchApp, *, is_master: bool) -> float:
    """Seconds from the kill to the first answer of the next HAProxy. The one of them takes the other along."""
    await asyncio.sleep(REST_S)
    starts = running.notices("proxy_started")
    worker = int(starts[-1]["pid"])
    victim = int((running.state_dir / "haproxy.pid").read_text()) if is_master else worker
    killed_s = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    async with asyncio.timeout(START_S):
        while not is_gone(worker):
            await asyncio.sleep(_POLL_S)
    served_s = await until_answered(running, app)
    await running.until_logged("proxy_started", len(starts) + 1)
    return served_s - killed_s


async def _started_alone(running: Milepost, app: BenchApp) -> float:
    """Seconds from the start of milepost to the first answer, where neither HAProxy nor Marathon runs."""
    running.end()
    begun_s = time.monotonic()
    running.restart()
    return await until_answered(running, app) - begun_s


async def _until_saved(running: Milepost) -> None:
    """The file has this name while it holds the newest snapshot."""
    async with asyncio.timeout(START_S):
        while "snapshot.jsonl" not in os.listdir(running.state_dir):
            await asyncio.sleep(_POLL_S)
