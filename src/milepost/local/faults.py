"""Faults of tasks on demand: they start slowly, or their health checks fail. They last until they are cleared."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import anyio

from milepost.local.runtimes.base import Control


@dataclass(frozen=True, slots=True)
class SlowStart:
    """Each new task of an app begins `seconds` late: with `runs` it counts as running meanwhile, else as staged."""

    seconds: float
    runs: bool = False


@dataclass(slots=True)
class Faults:
    """`slow` by app id; `unhealthy` are ids of apps and tasks."""

    slow: dict[str, SlowStart] = field(default_factory=dict)
    unhealthy: set[str] = field(default_factory=set)

    def fails(self, task_id: str, app_id: str) -> bool:
        """Whether the task's health checks are to fail."""
        return bool(self.unhealthy) and not self.unhealthy.isdisjoint((task_id, app_id))

    def clear(self, name: str | None) -> set[str]:
        """End the faults of an app or a task, or all; the names of those that there were."""
        found = {each for each in (*self.slow, *self.unhealthy) if name in (None, each)}
        for each in found:
            self.slow.pop(each, None)
            self.unhealthy.discard(each)
        return found

    def documents(self) -> Iterator[dict[str, object]]:
        for app_id, slow in sorted(self.slow.items()):
            state = "running" if slow.runs else "staging"
            yield {"fault": "slow-start", "of": app_id, "seconds": slow.seconds, "meanwhile": state}
        for name in sorted(self.unhealthy):
            yield {"fault": "unhealthy", "of": name}


async def hold_back(slow: SlowStart, control: Control) -> int | None:
    """Let the time pass before the task begins; its exit status if it is ended meanwhile."""
    if slow.runs:
        control.started("its start is held back on demand")
    with anyio.move_on_after(slow.seconds):
        async with anyio.create_task_group() as ends:
            for event in (control.stop, control.crash):
                ends.start_soon(_cancel_after, event, ends.cancel_scope)
    if control.crash.is_set():
        return -9
    return -15 if control.stop.is_set() else None


async def _cancel_after(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
