"""One soak from its beginning to its end, and the report of it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.soak.cells import Cell, Count, Ledger
from bench.soak.clients import OVER_TLS, keep_asking
from bench.soak.links import Door
from bench.soak.rolling import Cluster, host_of
from bench.stage import Layout, Milepost, milepost

HTTPS_PORT = 8443
APPS_EACH = 8
DOWN_CYCLE_S = 10.0
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a soak, intervals in seconds.

    `kill_every_s` 0: milepost is never killed. `log`: the file in which milepost's log is kept, "" for none.
    """

    cells: tuple[Cell, ...]
    seconds: float
    haproxy: str = "haproxy"
    clients_each: int = 3
    think_s: float = 0.05
    replace_every_s: float = 0.1
    reload_every_s: float = 1.0
    kill_every_s: float = 0.0
    marathon_down: float = 0.0
    log: str = ""


async def soak(wish: Wish) -> dict[str, Any]:
    """The report, as --json prints it."""
    ledger = Ledger({cell: Count() for cell in wish.cells})
    net, port = os.getpid() % 200, 20_000 + os.getpid() % 10_000  # so that soaks may run beside each other
    with tempfile.TemporaryDirectory(prefix="milepost-soak-") as name:
        balancer = f"127.79.{net}.1"
        certificate = await asyncio.to_thread(_certificate, Path(name))
        layout = Layout(
            f"{balancer}:8080",
            balancer,
            f"{balancer}:9095",
            wish.haproxy,
            https_port=HTTPS_PORT,
            certificate=certificate,
        )
        graces = tuple(dict.fromkeys(cell.grace for cell in wish.cells))
        cluster = Cluster(ledger, f"127.80.{net}", port, graces, APPS_EACH)
        await cluster.marathon.listen(balancer, 8080)
        try:
            async with milepost(layout) as running:
                begun_s = time.monotonic()
                await _for(wish.seconds, _all(wish, cluster, ledger, balancer, running))
                return await _report(wish, cluster, ledger, running, time.monotonic() - begun_s)
        finally:
            cluster.marathon.vanish()
            cluster.close()


async def _for(seconds: float, work: Coroutine[None, None, None]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        pass


async def _all(wish: Wish, cluster: Cluster, ledger: Ledger, balancer: str, running: Milepost) -> None:
    async with asyncio.TaskGroup() as group:
        for cell in wish.cells:
            doors = _doors(cell, cluster, balancer)
            for _ in range(wish.clients_each):
                group.create_task(keep_asking(cell, doors, ledger, wish.think_s))
        for grace in cluster.apps:
            group.create_task(cluster.keep_replacing(grace, wish.replace_every_s * len(cluster.apps)))
        group.create_task(cluster.keep_restructuring(wish.reload_every_s))
        if wish.kill_every_s:
            group.create_task(_keep_killing(running, wish.kill_every_s))
        if wish.marathon_down:
            group.create_task(_keep_vanishing(cluster, balancer, wish.marathon_down))


def _doors(cell: Cell, cluster: Cluster, balancer: str) -> list[Door]:
    """h2 and TLS come by host name, the rest at the service ports."""
    tls = cell.traffic in OVER_TLS
    return [
        Door(app.id, balancer, HTTPS_PORT if tls else app.service_port, host_of(app.number), tls)
        for app in cluster.apps[cell.grace]
    ]


async def _keep_killing(running: Milepost, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        running.restart()


async def _keep_vanishing(cluster: Cluster, balancer: str, share: float) -> None:
    """Marathon is away for its share of each cycle: no task is replaced then, since that is what it would do."""
    while True:
        await asyncio.sleep((1 - share) * DOWN_CYCLE_S)
        cluster.is_paused = True
        cluster.marathon.vanish()
        await asyncio.sleep(share * DOWN_CYCLE_S)
        await cluster.marathon.listen(balancer, 8080)
        cluster.is_paused = False


def _certificate(folder: Path) -> str:
    """A file with a key and a certificate for nobody, made now."""
    made = folder / "soak.pem"
    key, certificate = folder / "key", folder / "certificate"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=soak.example",
         "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    made.write_text(certificate.read_text() + key.read_text())
    return str(made)


async def _report(wish: Wish, cluster: Cluster, ledger: Ledger, running: Milepost, seconds: float) -> dict[str, Any]:
    await running.until_serving()
    status = await running.status()
    ledger.settle()
    if wish.log:
        shutil.copy(running.folder / "milepost.log", wish.log)
    return {
        "haproxy": status["versions"]["haproxy"],
        "seconds": round(seconds, 1),
        "replacements": cluster.replaced,
        "changes_of_structure": cluster.restructured,
        "reloads": None if wish.kill_every_s else status["proxy"]["reloads"],
        "cells": [
            {"grace": cell.grace, "traffic": cell.traffic, "connection": cell.connection, **count.json()}
            for cell, count in ledger.counts.items()
        ],
        "total": ledger.total.json(),
        "late": len(ledger.late),
        "failures": [*ledger.failures, *(f"late: {line}" for line in ledger.late[:SHOWN])],
    }
