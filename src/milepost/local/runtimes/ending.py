"""A task that is asked to end before it runs."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from milepost.local.runtimes.base import Control

ResultT = TypeVar("ResultT")


async def unless_ended(control: Control, work: Callable[[], Awaitable[ResultT]]) -> ResultT | None:
    """What the work comes to, also what it raises; None if the task is asked to end meanwhile, which cuts it short."""
    result, failure = None, None
    async with anyio.create_task_group() as group:
        for asked in (control.stop, control.crash):
            group.start_soon(_cancel_when, asked, group.cancel_scope)
        try:
            result = await work()
        except Exception as error:  # a task group would wrap it
            failure = error
        group.cancel_scope.cancel()
    if failure:
        raise failure
    return result


async def _cancel_when(asked: anyio.Event, scope: anyio.CancelScope) -> None:
    await asked.wait()
    scope.cancel()
