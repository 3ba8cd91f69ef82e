"""Clients that ask all the time, to see how long one ever has to wait."""

import asyncio
import time
from dataclasses import dataclass, field

from bench.soak.links import Door, Http1, Lost

THINK_S = 0.002


@dataclass(slots=True)
class Waits:
    """When each request was begun (monotonic seconds) and how long it took, to its answer or its failure."""

    requests: list[tuple[float, float]] = field(default_factory=list)
    failed: int = 0

    def longest_s(self, since_s: float, until_s: float) -> float:
        """Of the requests that were under way in that time."""
        return max(took for begun, took in self.requests if begun < until_s and begun + took > since_s)


async def keep_asking(door: Door, waits: Waits, *, is_new: bool) -> None:
    """Until cancelled, on one connection as long as it lasts, or each time on a new one."""
    link: Http1 | None = None
    try:
        while True:
            link = _kept(link, is_new=is_new)
            begun_s = time.monotonic()
            try:
                link = link or await Http1.connect(door)
                await link.ask(1)
            except (OSError, EOFError, Lost):
                waits.failed += 1
                link = _kept(link, is_new=True)
            waits.requests.append((begun_s, time.monotonic() - begun_s))
            await asyncio.sleep(THINK_S)
    finally:
        _kept(link, is_new=True)


def _kept(link: Http1 | None, *, is_new: bool) -> Http1 | None:
    """The connection if it may be used once more, else it is closed."""
    if link and (is_new or link.is_over):
        link.close()
        return None
    return link
