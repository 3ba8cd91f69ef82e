"""The demo's path with every part as a real process: no request is lost where none may be.

Failures are allowed in two places only: of what was in flight on a task that crashed unannounced, and between the
kill -9 of HAProxy and its restart, when nothing listens.
"""

import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio import to_thread

from milepost.demo.marathon import App, MarathonApi, is_deployed
from milepost.demo.places import HOME, NODES, Places, example
from milepost.demo.stage import Stage, set_up
from milepost.demo.traffic import Tally, keep_asking
from milepost.proxies.haproxy.binary import Binary
from support.haproxy import each_haproxy
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system]


CLIENTS = 2  # one on a kept connection, one with a new connection for each request


def free_port() -> int:
    """A port that is free on the balancer's two addresses."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind((HOME, 0))
            port: int = first.getsockname()[1]
            try:
                second.bind((NODES[0], port))
            except OSError:
                continue
            return port


@asynccontextmanager
async def under_load(url: str) -> AsyncIterator[Tally]:
    """Two clients ask all the time, one on a kept connection, one with a new connection for each request."""
    tally = Tally()
    async with anyio.create_task_group() as clients:
        for keep_alive in (True, False):
            clients.start_soon(partial(keep_asking, url, tally, keep_alive=keep_alive))
        await anyio.sleep(0.3)
        yield tally
        await anyio.sleep(0.5)
        clients.cancel_scope.cancel()
    assert tally.made > 50


async def get_json(url: str) -> Any:
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
        return (await client.get(url)).json()


async def until_answering(url: str, deadline_s: float = 10.0) -> None:
    async with httpx2.AsyncClient(timeout=1.0, trust_env=False) as client:
        with anyio.fail_after(deadline_s):
            while True:
                try:
                    if (await client.get(url)).is_success:
                        return
                except httpx2.TransportError:
                    pass
                await anyio.sleep(0.02)


def master_pid(stage: Stage) -> int:
    """What the pid file says; 0 while HAProxy, just starting, has not written it yet."""
    try:
        return int((stage.folder / "state" / "haproxy.pid").read_text() or 0)
    except FileNotFoundError:
        return 0


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def worker_pids(master: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def pids_of_task(task_id: str) -> list[int]:
    """The processes of a task of the local scheduler: they run in its sandbox."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if link.readlink().name == task_id:
                found.append(int(link.parent.name))
    assert found, f"no process of task {task_id}"
    return found


def has_instances(count: int, app: App) -> bool:
    return is_deployed(app) and app["tasksRunning"] == count


async def deploy(stage: Stage, marathon: MarathonApi) -> App:
    definition = httpx2.Response(200, content=example("nginx2.json").read_bytes()).json()
    definition["container"]["docker"]["portMappings"][0]["servicePort"] = stage.places.service_port
    await marathon.call("POST", "/v2/apps", definition)
    app = await marathon.until("nginx2", is_deployed, "nginx2 was deployed")
    await until_answering(stage.places.service_url)
    return app


async def scale_to_three(stage: Stage, marathon: MarathonApi) -> None:
    async with under_load(stage.places.service_url) as tally:
        await marathon.call("PUT", "/v2/apps/nginx2", {"instances": 3})
        await marathon.until("nginx2", partial(has_instances, 3), "three tasks run")
        with anyio.fail_after(10):
            while len(tally.answered_by) < 3:
                await anyio.sleep(0.05)
    assert not tally.failures


async def redeploy(stage: Stage, marathon: MarathonApi) -> None:
    before = {task["id"] for task in (await marathon.app("nginx2"))["tasks"]}
    async with under_load(stage.places.service_url) as tally:
        await marathon.call("PUT", "/v2/apps/nginx2", {"env": {"AFTER": min(before)}})
        app = await marathon.until("nginx2", partial(has_instances, 3), "nginx2 was redeployed")
        assert before.isdisjoint(task["id"] for task in app["tasks"])
    assert not tally.failures


async def kill_a_task(stage: Stage, marathon: MarathonApi) -> None:
    """Through the API, so that it is announced: its running requests end, new ones go elsewhere."""
    victim = (await marathon.app("nginx2"))["tasks"][0]["id"]
    async with under_load(stage.places.service_url) as tally:
        await marathon.call("DELETE", f"/v2/apps/nginx2/tasks/{victim}")

        def is_replaced(app: App) -> bool:
            return has_instances(3, app) and victim not in {task["id"] for task in app["tasks"]}

        await marathon.until("nginx2", is_replaced, "the killed task was replaced")
    assert not tally.failures


async def crash_a_task(stage: Stage, marathon: MarathonApi) -> None:
    """Without a word before. Only what was in flight on that very task may fail: at most one request a client."""
    victim = (await marathon.app("nginx2"))["tasks"][0]["id"]
    async with under_load(stage.places.service_url) as tally:
        for pid in await to_thread.run_sync(pids_of_task, victim):
            os.kill(pid, signal.SIGKILL)

        def is_replaced(app: App) -> bool:
            return has_instances(3, app) and victim not in {task["id"] for task in app["tasks"]}

        await marathon.until("nginx2", is_replaced, "the crashed task was replaced")
    assert tally.failed <= CLIENTS


async def kill_milepost(stage: Stage, marathon: MarathonApi) -> None:
    """Traffic does not notice; the next milepost takes the running HAProxy over without a reload."""
    before = master_pid(stage), worker_pids(master_pid(stage))
    async with under_load(stage.places.service_url) as tally:
        stage.milepost.kill()
        await anyio.sleep(0.5)
        stage.start_milepost()
        await stage.until_serving()
    assert not tally.failures
    assert (master_pid(stage), worker_pids(master_pid(stage))) == before
    assert (await get_json(f"{stage.places.web_url}/v1/status"))["proxy"]["reloads"] == 0
    await redeploy(stage, marathon)


async def kill_haproxy(stage: Stage, which: str) -> None:
    """The one place where requests may fail. Afterwards none does."""
    master = master_pid(stage)
    victims = worker_pids(master) if which == "worker" else [master]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: master_pid(stage) not in (0, master))
    await until_answering(stage.places.service_url)
    async with under_load(stage.places.service_url) as tally:
        await anyio.sleep(0.5)
    assert not tally.failures


@each_haproxy
async def test_a_service_keeps_its_address_through_everything_that_happens_to_it(binary: Binary) -> None:
    places = Places(*(free_port() for _ in range(5)))
    async with set_up(places, str(binary.path)) as stage, MarathonApi(places.marathon_url) as marathon:
        await deploy(stage, marathon)
        await scale_to_three(stage, marathon)
        await redeploy(stage, marathon)
        await kill_a_task(stage, marathon)
        await crash_a_task(stage, marathon)
        await kill_milepost(stage, marathon)
        await kill_haproxy(stage, "worker")
        await kill_haproxy(stage, "master")
        await redeploy(stage, marathon)
    assert not await anyio.Path(stage.folder).exists()
    assert not is_alive(stage.milepost.pid)
