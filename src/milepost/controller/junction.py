"""Where the snapshots of several sources meet, each past its own guard: all that goes on from here is one."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import anyio

from milepost.controller.merge import Merge, share_of
from milepost.model.notice import Notify, SavedSnapshotServed
from milepost.model.snapshot import Cause, Snapshot


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a start waits for the other sources once one has spoken, in seconds.

    It ends as soon as each has spoken or failed. Of those for which it ended otherwise the last good share is served:
    `kept_s` where each of them has one, since that is about right, else `limit_s`: they are likely to be reading, and
    what comes later would need a reload of its own.
    """

    kept_s: float = 1.0
    limit_s: float = 10.0


class Junction:
    """Hands one snapshot to `accept` for each that a source publishes. `prefixes` are those of app ids, by source.

    A source that fails holds nobody up, and what was known of it stays: what it published last, or what was kept.
    """

    def __init__(
        self,
        prefixes: Mapping[str, str],
        accept: Callable[[Snapshot], None],
        notify: Notify,
        patience: Patience | None = None,
    ) -> None:
        self._prefixes, self._accept, self._notify = prefixes, accept, notify
        self._patience = patience or Patience()
        self._merge = Merge(prefixes)
        self._kept: dict[str, Snapshot] = {}
        self._silent = set(prefixes)  # those that have neither spoken nor failed
        self._causes: list[Cause] = []  # of what came before the start's wait was over
        self._is_open = len(prefixes) == 1
        self._spoken, self._complete = anyio.Event(), anyio.Event()

    def remember(self, kept: Snapshot) -> None:
        """The last good snapshot from before the start."""
        self._kept = {name: self.share(kept, name) for name in self._prefixes}

    def share(self, kept: Snapshot, name: str) -> Snapshot:
        """What the source `name` had in `kept`."""
        return share_of(kept, name, self._prefixes[name])

    def entry(self, name: str) -> Callable[[Snapshot], None]:
        """Where the source `name` publishes."""
        return self._accept if len(self._prefixes) == 1 else partial(self._publish, name)

    def failed(self, name: str) -> None:
        """The source `name` could not be read: a start does not wait for it."""
        self._settle(name)

    async def run(self) -> None:
        """See to the start: return once it is over."""
        if self._is_open:
            return
        await self._spoken.wait()
        is_known = all(self._kept.get(name) and self._kept[name].apps for name in self._silent)
        with anyio.move_on_after(self._patience.kept_s if is_known else self._patience.limit_s):
            await self._complete.wait()
        self._open()

    def _publish(self, name: str, snapshot: Snapshot) -> None:
        self._merge.take(name, snapshot)
        if self._is_open:
            self._accept(self._merge.snapshot(snapshot.causes))
        else:
            self._causes += snapshot.causes
            self._spoken.set()
            self._settle(name)

    def _settle(self, name: str) -> None:
        self._silent.discard(name)
        if not self._silent:
            self._complete.set()

    def _open(self) -> None:
        for name in self._prefixes.keys() - self._merge.heard:
            kept = self._kept.get(name)
            if kept is not None and kept.apps:
                age_s = max(0.0, time.time() - kept.read_at_s)
                self._notify(SavedSnapshotServed(name, kept.read_at_s, age_s))
                self._merge.take(name, kept)
        self._is_open, self._kept = True, {}
        self._accept(self._merge.snapshot(tuple(self._causes)))
