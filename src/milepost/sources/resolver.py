"""Looks agent names up, off the event path: answers are kept for a while, a last good one until a better one.

IPv4 only, as marathon-lb resolves (marathon-lb-behaviour.md 9.5).
"""

import socket
import time
from collections.abc import Callable, Iterable, Mapping

import anyio
import anyio.to_thread

from milepost.sources.addresses import literal

Resolve = Callable[[str], str | None]
"""A name to its IPv4 address, None if it has none. May block; never raises."""

_AT_ONCE = 8  # lookups at a time, so that a dead name server does not use up all threads


def resolve_ipv4(name: str) -> str | None:
    """The first IPv4 address that the system's resolver gives for `name`, None where it gives none or `0.0.0.0`."""
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return literal(str(found[0][4][0])) if found else None


class Resolver:
    """Addresses by name, and when each is to be looked up again.

    A good answer is used for `keep_s` seconds before it is asked for again, and on after that for as long as
    nothing better comes; a name without answer is asked for again after `retry_s`.
    """

    def __init__(
        self,
        resolve: Resolve = resolve_ipv4,
        keep_s: float = 60.0,
        retry_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve, self._keep_s, self._retry_s, self._clock = resolve, keep_s, retry_s, clock
        self._due_s: dict[str, float] = {}
        self._addresses: Mapping[str, str] = {}
        self._limiter: anyio.CapacityLimiter | None = None

    @property
    def addresses(self) -> Mapping[str, str]:
        """What is known now. Each change gives a new mapping; one that was handed out never changes."""
        return self._addresses

    def remember(self, addresses: Mapping[str, str]) -> None:
        """What names led to before the start: good until something better comes, and looked up at once."""
        self._addresses = addresses

    def next_due_s(self, names: Iterable[str]) -> float:
        """When the first of `names` is to be looked up, on the clock; a name never asked for is due at once."""
        return min((self._due_s.get(name, 0.0) for name in names), default=float("inf"))

    async def refresh(self, names: Iterable[str]) -> bool:
        """Look up those of `names` that are due, forget all others; tells whether an address changed.

        Where it is cancelled, what was found by then is known.
        """
        wanted, before = frozenset(names), self._addresses
        due = [name for name in sorted(wanted) if self._due_s.get(name, 0.0) <= self._clock()]
        found: dict[str, str | None] = {}
        try:
            async with anyio.create_task_group() as group:
                for name in due:
                    group.start_soon(self._look_up, name, found)
        finally:
            self._take(found, wanted)
        return self._addresses is not before

    def _take(self, found: Mapping[str, str | None], wanted: frozenset[str]) -> None:
        before = self._addresses
        known = {name: address for name, address in before.items() if name in wanted}
        known |= {name: address for name, address in found.items() if address is not None}
        self._due_s = {name: due_s for name, due_s in self._due_s.items() if name in wanted}
        if known != before:
            self._addresses = known

    async def _look_up(self, name: str, found: dict[str, str | None]) -> None:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        found[name] = await anyio.to_thread.run_sync(self._resolve, name, abandon_on_cancel=True, limiter=self._limiter)
        self._due_s[name] = self._clock() + (self._retry_s if found[name] is None else self._keep_s)
