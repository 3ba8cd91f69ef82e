"""What the benches of changes need at once: a Marathon, milepost with its HAProxy, and tasks that answer."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from bench.cluster import BenchApp, BenchTask, Shape, loopback
from bench.scheduler import MarathonProcess, marathon
from bench.stage import Layout, Milepost, milepost
from bench.tasks import AnsweringTask, AnsweringTasks, Asking

_FIRST_NEW = 60_000  # the loopback addresses from here on are for tasks that start during a bench
_MARATHON_PORT, _WEB_PORT = 8080, 9095
_POLL_S = 0.005
DEADLINE_S = 10.0
START_S = 120.0


def own_address() -> str:
    """A loopback address for HAProxy, Marathon and milepost's API that no other bench has at the same time."""
    return f"127.81.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"


def own_task_port() -> int:
    """A port for tasks, likewise. Marathon's apps have theirs from 10,000 on, but at another address."""
    return 20_000 + os.getpid() % 10_000


def own_layout(haproxy: str, log_level: str = "info") -> Layout:
    """Where the parts of this bench listen, with `haproxy` as the binary."""
    at = own_address()
    return Layout(f"{at}:{_MARATHON_PORT}", at, f"{at}:{_WEB_PORT}", haproxy, log_level=log_level)


def shape_of(tasks: int, live_apps: int, *, is_checked: bool = False) -> Shape:
    """So many tasks in apps of 2, above 10,000 of 20; as many apps live as there are, at most `live_apps`."""
    tasks_each = 2 if tasks <= 10_000 else 20
    apps = max(1, tasks // tasks_each)
    return Shape(apps, tasks_each, min(live_apps, apps), own_task_port(), is_checked)


@dataclass(slots=True)
class World:
    """`apps` are the first ones, those whose tasks answer here: `heard` tells of what, by the task's id."""

    milepost: Milepost
    marathon: MarathonProcess
    apps: Sequence[BenchApp]
    heard: dict[str, AnsweringTask]
    _answering: AnsweringTasks
    _port: int

    async def new_task(self, turn: int) -> BenchTask:
        """A task that answers already, of which Marathon knows nothing yet."""
        task = BenchTask(f"new.{turn}", loopback(_FIRST_NEW + turn % 4_000), self._port)
        self.heard[task.id] = await self._answering.listen(task.id, task.host, task.port)
        return task

    async def asking(self, app: BenchApp) -> Asking:
        """A connection to the app through HAProxy."""
        return await Asking.connect(own_address(), app.service_port)


def own_marathon(shape: Shape) -> contextlib.AbstractContextManager[MarathonProcess]:
    """A Marathon where `own_layout` expects it."""
    sizes = (shape.count, shape.tasks_each, shape.live_apps)
    return marathon(_MARATHON_PORT, *sizes, own_address(), shape.task_port, is_checked=shape.is_checked)


@contextlib.asynccontextmanager
async def world(shape: Shape, haproxy: str, answering_apps: int) -> AsyncIterator[World]:
    """All of it, serving; all of it is ended afterwards. The tasks of the first `answering_apps` answer."""
    apps = shape.made()[:answering_apps]
    with own_marathon(shape) as scheduler:
        async with milepost(own_layout(haproxy)) as running, answering(apps) as (tasks, heard):
            yield World(running, scheduler, apps, heard, tasks, shape.task_port)


@contextlib.asynccontextmanager
async def answering(apps: Sequence[BenchApp]) -> AsyncIterator[tuple[AnsweringTasks, dict[str, AnsweringTask]]]:
    """The tasks of `apps`, which answer; also each by its id."""
    tasks = AnsweringTasks()
    try:
        every = [task for app in apps for task in app.tasks]
        yield tasks, {task.id: await tasks.listen(task.id, task.host, task.port) for task in every}
    finally:
        tasks.close()


async def until_unheard(client: Asking, task_id: str, times: int) -> None:
    """Wait until another than the task has answered `times` times in a row."""
    async with asyncio.timeout(DEADLINE_S):
        quiet = 0
        while quiet < times:
            quiet = 0 if await client.ask() == task_id else quiet + 1


async def until_answered(running: Milepost, app: BenchApp) -> float:
    """Wait until a task of the app answers through HAProxy; gives when it did, in monotonic seconds."""
    async with asyncio.timeout(START_S):
        while not await _answers(app):
            running.require_alive()
            await asyncio.sleep(_POLL_S)
    return time.monotonic()


async def _answers(app: BenchApp) -> bool:
    try:
        async with asyncio.timeout(1.0):
            client = await Asking.connect(own_address(), app.service_port)
            try:
                return bool(await client.ask())
            finally:
                client.close()
    except (OSError, EOFError, TimeoutError):
        return False
