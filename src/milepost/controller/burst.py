"""Waits for bursts of news to end: what writes files acts once a burst, not once a piece of news."""

from collections.abc import Callable

import anyio

from milepost.controller.timing import Settle


class Burst:
    """`settle` says when a burst counts as over, `clock` is the monotonic clock of its seconds."""

    def __init__(self, settle: Settle, clock: Callable[[], float]) -> None:
        self._settle, self._clock = settle, clock
        self._began = anyio.Event()

    def news(self) -> None:
        """Part of the burst that is on, or the begin of the next."""
        self._settle = self._settle.touched(self._clock())
        self._began.set()

    async def over(self) -> None:
        """Return when a burst is over: the one that is on, else the next. News from then on is another one."""
        await self._began.wait()
        while (wait_s := self._settle.due_s - self._clock()) > 0:
            await anyio.sleep(wait_s)
        self._began, self._settle = anyio.Event(), self._settle.cleared()  # together: what came while waiting is in
