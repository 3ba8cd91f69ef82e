"""`./run soak chaos`: a Marathon that is bad in one way after another, under light traffic."""

import asyncio
import os
import random
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench.cluster import BenchApp
from bench.soak.cells import Cell, Count, Ledger
from bench.soak.clients import keep_asking
from bench.soak.faults import FAULTS, BadMarathon
from bench.soak.links import Door
from bench.soak.rolling import Cluster
from bench.stage import Layout, Milepost, milepost

GRACE = "0.5"
CELLS = tuple(Cell(GRACE, traffic, connection) for traffic in ("get", "post") for connection in ("new", "keep-alive"))
APPS = 6
THINK_S = 0.05
CONVERGED_S = 2.0  # the aim, and how long is waited at least between two faults
PATIENCE_S = 40.0
ALL_FAULTS = (*FAULTS, "reused", "unannounced")


@dataclass(frozen=True, slots=True)
class ChaosWish:
    """What is asked for. Each fault lasts `fault_s`; whole rounds of all `faults` are made until `seconds` are over."""

    faults: Sequence[str] = ALL_FAULTS
    seconds: float = 60.0
    fault_s: float = 3.0
    seed: int = 1
    haproxy: str = "haproxy"
    log: str = ""


@dataclass(slots=True)
class Scene:
    """What runs while faults come and go."""

    cluster: Cluster
    marathon: BadMarathon
    ledger: Ledger
    milepost: Milepost


async def chaos(wish: ChaosWish) -> dict[str, Any]:
    """The report, as --json prints it."""
    random.seed(wish.seed)
    async with _scene(wish) as scene:
        rows = [await _one_fault(scene, fault, wish.fault_s) for fault in _faults(wish)]
        status = await scene.milepost.status()
        if wish.log:
            shutil.copy(scene.milepost.folder / "milepost.log", wish.log)
    return {
        "haproxy": status["versions"]["haproxy"],
        "seed": wish.seed,
        "faults": rows,
        "total": scene.ledger.total.json(),
        "slow_to_converge": sum(row["converged_s"] > CONVERGED_S for row in rows),
        "failures": scene.ledger.failures,
    }


@asynccontextmanager
async def _scene(wish: ChaosWish) -> AsyncIterator[Scene]:
    ledger = Ledger({cell: Count() for cell in CELLS})
    net, port = os.getpid() % 200, 20_000 + os.getpid() % 10_000
    balancer = f"127.79.{net}.1"
    layout = Layout(f"{balancer}:8080", balancer, f"{balancer}:9095", wish.haproxy)
    cluster = Cluster(ledger, f"127.80.{net}", port, (GRACE,), APPS, BadMarathon)
    assert isinstance(cluster.marathon, BadMarathon)
    await cluster.marathon.listen(balancer, 8080)
    try:
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(milepost(layout))
            clients = await stack.enter_async_context(asyncio.TaskGroup())
            doors = [Door(app.id, balancer, app.service_port, "chaos.example") for app in cluster.apps[GRACE]]
            asking = [clients.create_task(keep_asking(cell, doors, ledger, THINK_S)) for cell in CELLS for _ in doors]
            yield Scene(cluster, cluster.marathon, ledger, running)
            for client in asking:
                client.cancel()
    finally:
        cluster.marathon.vanish()
        cluster.close()


def _faults(wish: ChaosWish) -> Iterator[str]:
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < wish.seconds:
        yield from random.sample(list(wish.faults), len(wish.faults))


async def _one_fault(scene: Scene, fault: str, fault_s: float) -> dict[str, Any]:
    """While the fault lasts one task of every other app is replaced, so that there is something to miss."""
    before = scene.ledger.total
    apps = scene.cluster.apps[GRACE]
    async with scene.marathon.bad(fault), asyncio.TaskGroup() as group:
        for app, other in zip(apps[::2], apps[1::2], strict=True):
            group.create_task(_replace(scene.cluster, fault, app, other))
        group.create_task(asyncio.sleep(fault_s))
    ended_s = time.monotonic()
    converged_s = await _until_all_asked(scene.cluster, ended_s)
    await asyncio.sleep(max(0.0, ended_s + CONVERGED_S - time.monotonic()))
    scene.ledger.settle()
    return {"fault": fault, **(scene.ledger.total - before).json(), "converged_s": round(converged_s, 2)}


async def _replace(cluster: Cluster, fault: str, app: BenchApp, other: BenchApp) -> None:
    await asyncio.sleep(random.uniform(0.1, 0.5))
    if fault == "reused":
        await cluster.hand_over(app, other, 0.5)
    else:
        await cluster.replace(app, None if fault == "unannounced" else 0.5)


async def _until_all_asked(cluster: Cluster, since_s: float) -> float:
    """Seconds until every task that runs has got a request since then; PATIENCE_S if that does not come about."""
    for task in cluster.serving:
        task.requests = 0
    while any(not task.requests for task in cluster.serving) and time.monotonic() - since_s < PATIENCE_S:
        await asyncio.sleep(0.01)
    return time.monotonic() - since_s
