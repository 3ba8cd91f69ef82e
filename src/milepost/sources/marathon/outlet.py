"""Where the picture of a cluster goes out: everything that changed in one breath is one snapshot."""

import time
from collections.abc import Callable

import anyio

from milepost.model.snapshot import Cause, Snapshot
from milepost.sources.marathon.picture import Picture


class Outlet:
    """Publishes a picture after each change, with the causes of all changes that it stands for."""

    def __init__(self, source: str, picture: Picture) -> None:
        self._source, self._picture = source, picture
        self._causes: list[Cause] = []
        self._changed = anyio.Event()
        self._read_at_s = 0.0

    def all_read(self, causes: tuple[Cause, ...]) -> None:
        """There was a full read: the age of the snapshot starts anew, whether or not anything changed."""
        self._read_at_s = time.time()
        self.changed(causes)

    def changed(self, causes: tuple[Cause, ...]) -> None:
        self._causes.extend(causes)
        self._changed.set()

    def snapshot(self) -> Snapshot:
        """The picture now; the causes are given away with it."""
        causes, self._causes, self._changed = tuple(self._causes), [], anyio.Event()
        return self._picture.snapshot(self._source, self._read_at_s, causes)

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Publish until cancelled. Nothing goes out before the first full read: a part is not the cluster."""
        while True:
            await self._changed.wait()
            snapshot = self.snapshot()
            if not self._picture.is_empty:
                publish(snapshot)
