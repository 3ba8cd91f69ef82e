"""The interpreter's search for garbage in cycles, kept from looking at a whole cluster again and again.

Nearly all that milepost holds are values that stay, and that no cycle runs through: they go when nobody needs them.
A search through those of 10,000 tasks takes 0.1 s, in which no event is heard. See docs/decisions/garbage.md.
"""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from milepost.model.notice import Notice, Notify, ProxyAdopted, ProxyStarted

_THRESHOLDS = (20_000, 20, 20)
_GROWTH = 2.0


class Searched:
    """What a full search has looked at is not looked at again, until it has grown to twice as much."""

    def __init__(self) -> None:
        self._first = 0

    def after(self, phase: str, info: Mapping[str, int]) -> None:
        """One of `gc.callbacks`."""
        if phase == "stop" and info["generation"] == 2:
            self.keep()

    def keep(self) -> None:
        """Set all aside that is there now; all of it is looked at again, once, where that has become too much."""
        gc.freeze()
        kept = gc.get_freeze_count()
        self._first = self._first or kept
        if kept > _GROWTH * self._first:
            gc.unfreeze()
            self._first = 0


def keeping(searched: Searched, notify: Notify) -> Notify:
    """As `notify`; what is there once the proxy first runs was just made and stays, so it is set aside unsearched.

    Else the first search after a start would look at all of it, in the midst of some change. Only once: what is set
    aside at each start or reload would never be searched at all.
    """
    is_first = True

    def tell(notice: Notice) -> None:
        nonlocal is_first
        notify(notice)
        if is_first and isinstance(notice, ProxyStarted | ProxyAdopted):
            is_first = False
            searched.keep()

    return tell


@contextmanager
def rare_searches() -> Iterator[Searched]:
    """Within, a search for garbage is rare, and a full one looks only at what is new since the one before."""
    before, searched = gc.get_threshold(), Searched()
    gc.set_threshold(*_THRESHOLDS)
    gc.callbacks.append(searched.after)
    try:
        yield searched
    finally:
        gc.callbacks.remove(searched.after)
        gc.set_threshold(*before)
        gc.unfreeze()
