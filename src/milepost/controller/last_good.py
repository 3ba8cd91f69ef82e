"""The last known good: what the source publishes is kept, and served after a start where the source is silent."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from anyio import to_thread

from milepost.controller.burst import Burst
from milepost.controller.snapshot_file import SnapshotFile
from milepost.controller.timing import Backoff, Settle
from milepost.errors import MilepostError
from milepost.model.notice import Notify, SavedSnapshotServed, SavedSnapshotUnusable, SnapshotNotSaved
from milepost.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: how long a start waits for the source, and how far the file may be behind what was accepted.

    It follows after `quiet_s` without a change, at the latest after `limit_s`: not in the middle of a start, which it
    would slow down, and few changes of the last seconds are worth anything once milepost has been away.
    """

    start_s: float = 1.0
    quiet_s: float = 2.0
    limit_s: float = 10.0
    retry_first_s: float = 1.0
    retry_limit_s: float = 60.0


class LastGood:
    """Stands between the source and the mailbox (`accept`). `clock` is monotonic, in seconds."""

    def __init__(
        self,
        file: SnapshotFile,
        accept: Callable[[Snapshot], None],
        notify: Notify,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._accept, self._notify = file, accept, notify
        self._patience = patience = patience or Patience()
        self._burst = Burst(Settle(patience.quiet_s, patience.limit_s), clock)
        self._retry = Backoff(patience.retry_first_s, patience.retry_limit_s)
        self._published = anyio.Event()
        self._newest: Snapshot | None = None
        self._written: Snapshot | None = None
        self._kept: Snapshot | None = None
        self._is_usable = False

    def publish(self, snapshot: Snapshot) -> None:
        """The source's newest: it goes on at once, and is kept soon. Called in the event loop's thread."""
        self._accept(snapshot)
        if self._newest is self._written:  # a rename, once for each time that it is written
            self._file.fall_behind()
        self._newest = snapshot
        self._published.set()
        self._burst.news()

    async def start(self, proxy_runs: Callable[[], Awaitable[bool]]) -> Snapshot | None:
        """To be awaited before the proxy is started or the source asked: what was kept, and may it be served?

        Not where something newer runs: a proxy that was changed after that snapshot keeps what it has.
        """
        self._kept = await self._load()
        self._is_usable = self._file.is_newest() or not await proxy_runs()
        return self._kept

    async def run(self) -> None:
        """Serve what was kept if the source stays silent; keep what is published, until cancelled, and at the end."""
        try:
            async with anyio.create_task_group() as tasks:
                kept, self._kept = self._kept, None
                if kept is not None and self._is_usable:
                    tasks.start_soon(self._serve, kept)
                await self._keep()
        finally:
            if self._newest is not self._written:
                with anyio.CancelScope(shield=True):
                    await self._save()

    async def _serve(self, kept: Snapshot) -> None:
        with anyio.move_on_after(self._patience.start_s):
            await self._published.wait()
        if not self._published.is_set():
            self._notify(SavedSnapshotServed(kept.source, kept.read_at_s, max(0.0, time.time() - kept.read_at_s)))
            self._accept(kept)

    async def _keep(self) -> None:
        while True:
            await self._burst.over()
            await self._write()

    async def _write(self) -> None:
        if await self._save():
            self._retry = self._retry.succeeded()
            return
        self._retry = self._retry.failed()
        await anyio.sleep(self._retry.wait_s)
        self._burst.news()

    async def _save(self) -> bool:
        snapshot = self._newest
        if snapshot is None:
            return True
        try:
            await to_thread.run_sync(self._file.save, snapshot)
            if snapshot is self._newest:
                self._file.catch_up()
        except MilepostError as error:
            self._notify(SnapshotNotSaved(str(error)))
            return False
        self._written = snapshot
        return True

    async def _load(self) -> Snapshot | None:
        try:
            return await to_thread.run_sync(self._file.load)
        except MilepostError as error:
            self._notify(SavedSnapshotUnusable(str(error)))
            return None
