"""Service ports for ports to which the scheduler gives none (marathon-lb-behaviour.md 9.4)."""

from collections.abc import Collection, Iterable
from hashlib import sha1
from typing import TypeAlias

Wish: TypeAlias = tuple[str, int]
"""(app id, the port as the app knows it)."""

_TRIES = 50


def assign_ports(wishes: Iterable[Wish], first: int, last: int, avoid: Collection[int]) -> dict[Wish, int]:
    """A port from `first` to `last` for each wish, in order; wishes beyond the size of the range get none.

    The same wishes give the same ports, and mostly the same as any other balancer with this range gives.
    """
    free = {port for port in range(first, last + 1) if port not in avoid}
    given: dict[Wish, int] = {}
    for wish in wishes:
        if free and wish not in given:
            given[wish] = _pick(wish, first, last - first + 1, free)
            free.remove(given[wish])
    return given


def _pick(wish: Wish, first: int, size: int, free: set[int]) -> int:
    app_id, port = wish
    for number in range(_TRIES):
        digest = sha1(f"{app_id}-{port}-{number}".encode(), usedforsecurity=False).hexdigest()
        candidate = first + int(digest[:8], 16) % size
        if candidate in free:
            return candidate
    return min(free)
