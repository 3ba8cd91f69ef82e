"""Carries the scheduler's effects out and tells it what came of them. All state changes happen here, one at a time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

import anyio
import structlog
from anyio.abc import TaskGroup

from milepost.local.faults import Faults, hold_back
from milepost.local.hub import Hub
from milepost.local.journal import note
from milepost.local.probes import Prober
from milepost.local.runtimes.base import Control, Runtime
from milepost.local.scheduler.cluster import Cluster
from milepost.local.scheduler.effects import (
    DropTask,
    Effect,
    EmitEvent,
    KillTask,
    LaunchDue,
    LaunchTask,
    Message,
    PortTaken,
    Probed,
    ProbeHealth,
    ProbeReadiness,
    ReadinessHeard,
    Save,
    TaskEnded,
    TaskStarted,
    WakeAt,
)
from milepost.local.scheduler.react import react
from milepost.local.scheduler.turn import Turn
from milepost.local.state.errors import StateError
from milepost.local.state.store import Store

MADE_TO_FAIL = "made to fail on demand"
P = ParamSpec("P")
ResultT = TypeVar("ResultT")
_log = structlog.get_logger()


@dataclass(slots=True)
class _Task:
    """A task that runs, or is about to. Its probes end with it, and are made at once when `hurry` is set."""

    launch: LaunchTask
    control: Control
    probes: TaskGroup | None = None
    hurry: anyio.Event = field(default_factory=anyio.Event)


class Engine:
    """Owns the cluster; everything happens in the event loop's thread. `tasks` is where the tasks live."""

    def __init__(self, cluster: Cluster, runtime: Runtime, prober: Prober, store: Store, hub: Hub, tasks: TaskGroup):
        self.cluster = cluster
        self.hub = hub
        self.faults = Faults()
        self.framework_id = store.framework_id
        self._runtime, self._prober, self._store, self._group = runtime, prober, store, tasks
        self._tasks: dict[str, _Task] = {}

    def command(self, function: Callable[Concatenate[Turn, P], ResultT], *args: P.args, **kwargs: P.kwargs) -> ResultT:
        """Run one of `changes` now. What it refuses is raised, after the effects of the refusal; so is the StateError
        of a change that goes on but could not be kept.
        """
        turn = Turn(self.cluster, time.time())
        try:
            return function(turn, *args, **kwargs)
        finally:
            self._carry_out(turn.effects)

    def tell(self, message: Message) -> None:
        """Let the scheduler react to what happened."""
        try:
            self.command(react, message)
        except StateError as error:
            _log.error("state_not_saved", reason=str(error))

    def crash(self, task_id: str) -> bool:
        """Let the task's processes be killed from outside; False if there is no such task."""
        task = self._tasks.get(task_id)
        if task:
            task.control.crash.set()
        return task is not None

    def runs(self, task_id: str) -> bool:
        """Whether the task runs, or is about to."""
        return task_id in self._tasks

    def probe_now(self, name: str | None = None) -> None:
        """Make the waiting probes of a task, of an app's tasks, or of all tasks at once."""
        for task in self._tasks.values():
            if name in (None, task.launch.task_id, task.launch.definition.id):
                task.hurry.set()
                task.hurry = anyio.Event()

    def emit(self, event: EmitEvent) -> None:
        """Put an event on the stream, and in the log if it matters there."""
        note(event)
        self.hub.publish(event)

    def _carry_out(self, effects: list[Effect]) -> None:
        """What is to be kept is kept first: nobody hears of a change that a restart would forget."""
        saves = [effect for effect in effects if isinstance(effect, Save)]
        try:
            if saves:
                self._store.save(saves)
        finally:
            self._act(effects)

    def _act(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case EmitEvent():
                    self.emit(effect)
                case LaunchTask():
                    self._launch(effect)
                case KillTask():
                    self._kill(effect)
                case DropTask():
                    self.crash(effect.task_id)
                case ProbeHealth() | ProbeReadiness():
                    self._probe(effect)
                case WakeAt():
                    self._group.start_soon(self._wake, effect)

    def _launch(self, launch: LaunchTask) -> None:
        control = Control(lambda note: self.tell(TaskStarted(launch.task_id, note)))
        task = self._tasks[launch.task_id] = _Task(launch, control)
        self._group.start_soon(self._live, task)

    def _kill(self, kill: KillTask) -> None:
        task = self._tasks.get(kill.task_id)
        if task:
            task.control.grace_s = kill.grace_s
            task.control.stop.set()

    def _probe(self, probe: ProbeHealth | ProbeReadiness) -> None:
        task = self._tasks.get(probe.task_id)
        if task and task.probes:
            task.probes.start_soon(self._ask, task, probe, task.hurry)

    async def _live(self, task: _Task) -> None:
        """A task's whole life; its last message comes when it is over."""
        async with anyio.create_task_group() as probes:
            task.probes = probes
            message = await self._run(task)
            probes.cancel_scope.cancel()
        del self._tasks[task.launch.task_id]
        self.faults.unhealthy.discard(task.launch.task_id)
        self.tell(message)

    async def _run(self, task: _Task) -> TaskEnded | PortTaken:
        slow = self.faults.slow.get(task.launch.definition.id)
        status = await hold_back(slow, task.control) if slow else None
        if status is not None:
            return TaskEnded(task.launch.task_id, status, "it had not begun: its start was held back on demand")
        return await self._runtime.run(task.launch, task.control)

    async def _ask(self, task: _Task, probe: ProbeHealth | ProbeReadiness, hurry: anyio.Event) -> None:
        with anyio.move_on_after(probe.after_s):
            await hurry.wait()
        if isinstance(probe, ProbeReadiness):
            self.tell(ReadinessHeard(probe.task_id, await self._prober.ask(probe)))
            return
        failure = self._fault(task) or await self._prober.probe(probe, partial(self._runtime.check, task.launch))
        self.tell(Probed(probe.task_id, probe.index, self._fault(task) or failure))  # it may have come meanwhile

    def _fault(self, task: _Task) -> str:
        is_made_to_fail = self.faults.fails(task.launch.task_id, task.launch.definition.id)
        return MADE_TO_FAIL if is_made_to_fail else ""

    async def _wake(self, wake: WakeAt) -> None:
        await anyio.sleep(max(0.0, wake.at_s - time.time()))
        self.tell(LaunchDue(wake.app_id, wake.at_s))
