"""`./run bench latency --bad-news`: from bad news of a task to the last new request that reached it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import click

from bench.cluster import BenchApp
from bench.figures import spread
from bench.tasks import Asking
from bench.world import DEADLINE_S, World, shape_of, world

KINDS: Mapping[str, dict[str, str]] = {
    "killing": {"state": "TASK_KILLING"},
    "failed": {"state": "TASK_FAILED"},
    "lost": {"state": "TASK_LOST"},
    "unhealthy": {},
}
"""What Marathon tells, by its name. A lost task may come back: only a read takes it out."""

MARATHON_TAKES_S = 2.0
CLIENTS = 4
WATCH_S = 0.2


def kinds_of(text: str) -> tuple[str, ...]:
    """`killing,lost` as names of KINDS; BadParameter where one is none."""
    found = tuple(text.split(","))
    if unknown := [kind for kind in found if kind not in KINDS]:
        raise click.BadParameter(f"expected some of {', '.join(KINDS)}, got {unknown[0]}", param_hint="--bad-news")
    return found


async def bad_news_rows(size: int, kinds: Sequence[str], rounds: int, haproxy: str) -> list[dict[str, object]]:
    """Each round loses a task of an app of its own, so that there are no more rounds than there are apps."""
    shape = shape_of(size, rounds * len(kinds), is_checked=True)
    rounds = shape.live_apps // len(kinds)
    if not rounds:
        raise click.BadParameter(f"{size} tasks are too few for {len(kinds)} kinds", param_hint="--tasks")
    async with world(shape, haproxy, shape.live_apps) as there:
        there.marathon.command({"delay": MARATHON_TAKES_S})
        apps = iter(there.apps)
        found = {kind: [await _one_loss(there, next(apps), kind) for _ in range(rounds)] for kind in kinds}
        version = (await there.milepost.status())["versions"]["haproxy"]
    return [
        {
            "news": kind,
            "tasks": size,
            "haproxy": version,
            "rounds": rounds,
            **spread([last_s for last_s, _ in losses]),
            "noise_median_ms": spread([noise_s for _, noise_s in losses])["median_ms"],
            "noise_p99_ms": spread([noise_s for _, noise_s in losses])["p99_ms"],
        }
        for kind, losses in found.items()
    ]


async def _one_loss(there: World, app: BenchApp, kind: str) -> tuple[float, float]:
    """Seconds from the event to the last request that came to the task, and of a plain request beforehand."""
    victim = app.tasks[0]
    heard = there.heard[victim.id]
    async with _asked(there, app) as client:
        noise_s = await client.timed()
        before = heard.requests
        async with asyncio.timeout(DEADLINE_S):
            while heard.requests < before + 2 * CLIENTS:  # by now each client has come to it
                await client.ask()
        verb = "kill" if KINDS[kind] else "sicken"
        sent_s = there.marathon.command({"app": app.number, verb: victim.id, **KINDS[kind]})
        await asyncio.sleep(WATCH_S)
        async with asyncio.timeout(DEADLINE_S):
            while time.monotonic() - heard.asked_s < WATCH_S:
                await client.ask()
    return max(0.0, heard.asked_s - sent_s), noise_s


@asynccontextmanager
async def _asked(there: World, app: BenchApp) -> AsyncIterator[Asking]:
    """Clients that ask the app all the while, and one more to ask with."""
    clients = [await there.asking(app) for _ in range(CLIENTS)]
    own = await there.asking(app)
    asking = [asyncio.create_task(_keep_asking(client)) for client in clients]
    try:
        yield own
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for client in (*clients, own):
            client.close()


async def _keep_asking(client: Asking) -> None:
    while True:
        await client.ask()
