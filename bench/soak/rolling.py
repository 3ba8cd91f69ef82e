"""A cluster whose tasks are replaced all the time, each app by its own manner of ending a task."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from bench.cluster import VHOST, BenchApp, BenchTask
from bench.marathon import BenchMarathon
from bench.soak.cells import GRACES, Ledger
from bench.soak.tasks import SoakTask

TASKS_EACH = 3
OVERLAP_S = 0.1  # both the new and the old task run
NOTICED_S = 0.2  # until Marathon learns of a task that died without a word
RESTED_S = 3.0  # until an address that a task had may be another's; a real agent draws one of a thousand ports


@dataclass(slots=True)
class Addresses:
    """Loopback addresses, given out again `RESTED_S` after they were given back."""

    network: str
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _resting: deque[tuple[float, str]] = field(default_factory=deque)

    def take(self) -> str:
        if self._resting and self._resting[0][0] < time.monotonic():
            return self._resting.popleft()[1]
        return f"{self.network}.{next(self._numbers)}"

    def give_back(self, address: str) -> None:
        self._resting.append((time.monotonic() + RESTED_S, address))


class Cluster:
    """The apps, by how their tasks end; those tasks answer in this very process."""

    def __init__(
        self,
        ledger: Ledger,
        network: str,
        port: int,
        graces: tuple[str, ...],
        apps_each: int,
        marathon: Callable[[list[BenchApp]], BenchMarathon] = BenchMarathon,
    ) -> None:
        self._ledger, self._port, self._addresses = ledger, port, Addresses(network)
        self._serving: dict[str, SoakTask] = {}
        self._ended: list[SoakTask] = []
        self._turns = itertools.count(1)
        numbers = itertools.count()
        self.apps = {grace: [self._app(number) for number in itertools.islice(numbers, apps_each)] for grace in graces}
        self.spare = BenchApp(next(numbers))
        self.marathon = marathon([app for apps in self.apps.values() for app in apps])
        self.replaced = self.restructured = 0
        self.is_paused = False

    async def keep_replacing(self, grace: str, every_s: float) -> None:
        """Begin the replacement of the oldest task of one app after another."""
        async with asyncio.TaskGroup() as group:
            for app in itertools.cycle(self.apps[grace]):
                await asyncio.sleep(every_s)
                if not self.is_paused:
                    group.create_task(self.replace(app, GRACES[grace]))

    async def keep_restructuring(self, every_s: float) -> None:
        """Add an app, remove it, add it ...: each is a change of structure."""
        while True:
            for change in (self.marathon.deploy, self.marathon.destroy):
                await asyncio.sleep(every_s)
                change(self.spare)
                self.restructured += 1

    def close(self) -> None:
        for task in self._serving.values():
            task.kill()
        for task in (*self._ended, *self._serving.values()):
            task.forget()

    def _app(self, number: int) -> BenchApp:
        app = BenchApp(number, labels={VHOST: host_of(number)})
        app.tasks.extend(self._started(app) for _ in range(TASKS_EACH))
        return app

    def _started(self, app: BenchApp, host: str = "") -> BenchTask:
        name = f"{app.id.rpartition('/')[2]}.{next(self._turns)}"
        task = BenchTask(name, host or self._addresses.take(), self._port)
        self._serving[task.id] = SoakTask(f"{app.id} {task.id}", task.host, task.port, self._ledger.cut)
        return task

    @property
    def serving(self) -> Collection[SoakTask]:
        """All tasks that run."""
        return self._serving.values()

    async def replace(self, app: BenchApp, grace_s: float | None) -> None:
        """A new task, then the end of the oldest: unannounced, or `grace_s` after TASK_KILLING."""
        oldest = self._oldest(app)
        self.marathon.add(app, self._started(app))
        await asyncio.sleep(OVERLAP_S)
        if oldest is None:
            return
        if grace_s is None:
            self._kill(oldest)
            self._addresses.give_back(oldest.host)
            await asyncio.sleep(NOTICED_S)
            self.marathon.remove(app, oldest, "TASK_FAILED")
        else:
            await self._end(app, oldest, grace_s)
        self.replaced += 1

    async def hand_over(self, app: BenchApp, other: BenchApp, grace_s: float) -> None:
        """The oldest task of `app` ends, and a task of `other` listens at its address in the same moment.

        Each has as many tasks afterwards as before, and never fewer: without a task no balancer can answer.
        """
        oldest, surplus = self._oldest(app), self._oldest(other)
        if oldest is None or surplus is None:
            return
        self.marathon.add(app, self._started(app))
        await asyncio.sleep(OVERLAP_S)
        await self._end(app, oldest, grace_s, is_taken=True)
        self.marathon.add(other, self._started(other, oldest.host))
        await asyncio.sleep(OVERLAP_S)
        await self._end(other, surplus, grace_s)

    async def _end(self, app: BenchApp, task: BenchTask, grace_s: float, *, is_taken: bool = False) -> None:
        """`is_taken`: somebody else has its address already."""
        self._serving[task.id].told_s = self.marathon.tell(app, task, "TASK_KILLING")
        await asyncio.sleep(grace_s)
        self._kill(task)
        if not is_taken:
            self._addresses.give_back(task.host)
        self.marathon.remove(app, task, "TASK_KILLED")

    def _oldest(self, app: BenchApp) -> BenchTask | None:
        return next((task for task in app.tasks if task.state == "TASK_RUNNING" and task.id in self._serving), None)

    def _kill(self, task: BenchTask) -> None:
        ended = self._serving.pop(task.id)
        ended.kill()
        self._ended.append(ended)
        self._ledger.late += [f"{task.id} at {task.host}: {line}" for line in ended.late]


def host_of(number: int) -> str:
    return f"app{number}.soak.example"
