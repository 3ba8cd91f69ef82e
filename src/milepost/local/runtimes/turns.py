"""Many starts and kills at once, one after the other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Turns:
    """Lets one thing be done at a time, and keeps the event loop free for as long as each took: what a process does to
    start or end another one holds up everybody who waits for an answer."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()
        self._next_s = 0.0  # of the event loop's clock

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """The block, which must not wait for anything, once it is its turn. It is not cut short."""
        async with self._lock:
            await anyio.sleep_until(self._next_s)
            begun_s = anyio.current_time()
            try:
                yield
            finally:
                ended_s = anyio.current_time()
                self._next_s = ended_s + (ended_s - begun_s)
