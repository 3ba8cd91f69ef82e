"""What the engine asks of a runtime."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from milepost.local.scheduler.effects import LaunchTask, PortTaken, TaskEnded


@dataclass(slots=True)
class Control:
    """The engine's hand on a running task: `started(note)` is called once, when it runs; `stop` asks it to end,
    by force `grace_s` later; `crash` kills its processes at once, as if somebody else had."""

    started: Callable[[str], None]
    stop: anyio.Event = field(default_factory=anyio.Event)
    crash: anyio.Event = field(default_factory=anyio.Event)
    grace_s: float = 3.0


class Runtime(Protocol):
    """Runs tasks. One call is one task's whole life."""

    async def run(self, launch: LaunchTask, control: Control) -> TaskEnded | PortTaken:
        """Return when no process of the task is left; on cancellation, end them at once first."""
        ...

    async def check(self, launch: LaunchTask, command: str) -> int:
        """Run the command of a COMMAND check where the running task runs; its exit status. Raises OSError."""
        ...
