"""Waiting for what happens elsewhere, under a deadline."""

from collections.abc import Callable

import anyio


async def until(is_so: Callable[[], bool], deadline_s: float = 10.0) -> None:
    """Return once `is_so()`; TimeoutError after `deadline_s`."""
    with anyio.fail_after(deadline_s):
        while not is_so():
            await anyio.sleep(0.005)
