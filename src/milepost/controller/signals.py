"""What signals mean to a long-running command: to end in order, or what it has them mean."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import anyio

ResultT = TypeVar("ResultT")


async def until_stopped(work: Callable[[], Awaitable[ResultT]]) -> ResultT | None:
    """Run `work`; None if SIGINT or SIGTERM ended it. It is cancelled then and cleans up before this returns.

    Further signals while it cleans up change nothing: an impatient second Ctrl-C must not leave half of it behind.
    """
    result: ResultT | None = None

    async def finish() -> None:
        nonlocal result
        result = await work()
        scope.cancel()

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as tasks:
            scope = tasks.cancel_scope
            tasks.start_soon(finish)
            async for _ in signals:
                break
            scope.cancel()
    return result


async def heed(meanings: Mapping[signal.Signals, Callable[[], None]]) -> None:
    """Do what each signal means when it comes, until cancelled."""
    with anyio.open_signal_receiver(*meanings) as signals:
        async for number in signals:
            meanings[number]()
