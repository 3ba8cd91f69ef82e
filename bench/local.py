"""`./run bench local`: how `milepost local` answers while it replaces the tasks of many apps."""

import asyncio
import contextlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx2

from bench.asking import Asking
from bench.cluster import app_id
from bench.figures import noise_pct, shown, spread
from bench.memory import resident_mb
from bench.options import json_option
from bench.process import cpu_s
from bench.reference import work_s
from bench.world import own_address
from milepost.demo.process import Child, start

PORT = 8080
NODES = 9  # one of them is the balancer's; each has about 1,000 host ports
DEADLINE_S = 600.0
POLL_S = 0.1
NOISE_SAMPLES = 20  # before each row


@click.command()
@click.option("--apps", default=1000, show_default=True, help="Apps, each of sleeping processes.")
@click.option("--tasks", default=3, show_default=True, help="Tasks of each app.")
@click.option("--changed", default=100, show_default=True, help="Apps that are changed at a time.")
@click.option(
    "--ask-every", default=3.0, show_default=True, help="Milliseconds between an answer and the next request."
)
@click.option("--rest", default=3.0, show_default=True, help="Seconds of asking while nothing happens.")
@json_option
def local(apps: int, tasks: int, changed: int, ask_every: float, rest: float, *, as_json: bool) -> None:
    """Answers of `milepost local` for one app, at rest and while many others change."""
    click.echo(f"{apps} apps of {tasks} tasks, {changed} of them changed at a time ...", err=True)
    size = Size(apps, tasks, min(changed, apps))
    click.echo(shown(asyncio.run(_measured(size, ask_every / 1000, rest)), as_json=as_json))


@dataclass(frozen=True, slots=True)
class Size:
    apps: int
    tasks: int
    changed: int


@dataclass(slots=True)
class Scheduler:
    """A running `milepost local`, and a client that asks it for one app all the time."""

    child: Child
    client: httpx2.AsyncClient
    asking: Asking

    async def until_deployed(self) -> None:
        """Wait until no deployment is under way; MilepostError with its last words if it ends before."""
        async with asyncio.timeout(DEADLINE_S):
            while await self._is_deploying():
                await asyncio.sleep(POLL_S)

    async def _is_deploying(self) -> bool:
        try:
            return bool((await self.client.get("/v2/deployments")).json())
        except httpx2.TransportError:
            self.child.require_alive()
            raise

    async def require_running(self, tasks: int) -> None:
        """That this many tasks run now, all of them of their apps' latest versions."""
        apps = (await self.client.get("/v2/apps?embed=apps.tasks")).json()["apps"]
        found = [(task["state"], task["version"] == app["version"]) for app in apps for task in app["tasks"]]
        assert found == [("TASK_RUNNING", True)] * tasks, f"not {tasks} running tasks, all new: {Counter(found)}"

    async def send(self, method: str, path: str, body: Any) -> None:
        """Have a change taken in."""
        (await self.client.request(method, path, json=body)).raise_for_status()


async def _measured(size: Size, every_s: float, rest_s: float) -> list[dict[str, object]]:
    async with _scheduler(every_s) as scheduler:
        changed = range(size.changed)
        forms: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("start", lambda: scheduler.send("PUT", "/v2/apps", [_app(each, size.tasks) for each in range(size.apps)])),
            ("rest", lambda: asyncio.sleep(rest_s)),
            (
                "one deployment",
                lambda: scheduler.send("PUT", "/v2/apps", [_app(each, size.tasks, "2") for each in changed]),
            ),
            ("a deployment each", lambda: _each(scheduler, size)),
        ]
        return [await _row(scheduler, size, what, act) for what, act in forms]


async def _each(scheduler: Scheduler, size: Size) -> None:
    for number in range(size.changed):
        await scheduler.send("PUT", f"/v2/apps/{app_id(number)}", _app(number, size.tasks, "3"))


def _app(number: int, tasks: int, release: str = "1") -> dict[str, Any]:
    sleeper = {"cmd": "exec sleep 1000000", "instances": tasks, "cpus": 0.01, "mem": 1}
    return {"id": app_id(number), **sleeper, "env": {"RELEASE": release}}


async def _row(scheduler: Scheduler, size: Size, what: str, act: Callable[[], Awaitable[None]]) -> dict[str, object]:
    """What it takes to carry `act` out in full, and how long the answers took meanwhile."""
    noise = [work_s() for _ in range(NOISE_SAMPLES)]
    pid = scheduler.child.pid
    scheduler.asking.take()
    cpu_before_s, begun_s = cpu_s(pid), time.monotonic()
    await act()
    await scheduler.until_deployed()
    took_s, used_s = time.monotonic() - begun_s, cpu_s(pid) - cpu_before_s
    await scheduler.asking.until_answered()
    answers = scheduler.asking.take()
    await scheduler.require_running(size.apps * size.tasks)
    return {
        "what": what,
        "apps": size.apps,
        "tasks": size.apps * size.tasks,
        "took_s": round(took_s, 2),
        "answers": len(answers),
        **spread(answers),
        "cpu_s": round(used_s, 2),
        "rss_mb": round(resident_mb(pid), 1),
        "threads": len(os.listdir(f"/proc/{pid}/task")),
        "files": len(os.listdir(f"/proc/{pid}/fd")),
        "noise_pct": noise_pct(noise),
    }


@contextlib.asynccontextmanager
async def _scheduler(every_s: float) -> AsyncIterator[Scheduler]:
    """`milepost local` with nothing to run yet, asked all the time; ended afterwards with all its tasks."""
    at = own_address()
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        child = start("local", Path(name), "local", "--listen", f"{at}:{PORT}", "--nodes", str(NODES))
        try:
            async with httpx2.AsyncClient(
                base_url=f"http://{at}:{PORT}", timeout=DEADLINE_S, trust_env=False
            ) as client:
                await _until_answering(child, client)
                async with Asking(at, PORT, f"/v2/apps/{app_id(0)}", every_s).going_on() as asking:
                    yield Scheduler(child, client, asking)
        finally:
            child.stop(deadline_s=60.0)


async def _until_answering(child: Child, client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(30.0):
        while True:
            child.require_alive()
            with contextlib.suppress(httpx2.TransportError):
                await client.get("/ping")
                return
            await asyncio.sleep(0.05)
