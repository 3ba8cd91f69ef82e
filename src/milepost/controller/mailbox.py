"""Where news waits for the loop: only the newest snapshot, with the causes of all that it stands for."""

from dataclasses import replace

import anyio

from milepost.model.snapshot import Cause, Snapshot


class Mailbox:
    """Holds at most one snapshot and the reasons to look at the proxy again.

    Whole states flow, so a newer one replaces an older one that nobody took. Batching appears under load
    and nowhere else.
    """

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._reasons: list[str] = []
        self._news = anyio.Event()

    def put(self, snapshot: Snapshot) -> None:
        if self._snapshot is not None:
            causes: tuple[Cause, ...] = (*self._snapshot.causes, *snapshot.causes)
            snapshot = replace(snapshot, causes=causes)
        self._snapshot = snapshot
        self._news.set()

    def wake(self, reason: str) -> None:
        """Ask for a pass that looks at the proxy again, with no new snapshot needed."""
        self._reasons.append(reason)
        self._news.set()

    def nudge(self) -> None:
        """Ask for a pass; what was last seen of the proxy is good enough for it."""
        self._news.set()

    async def wait(self, timeout_s: float) -> None:
        """Return once there is news, or after `timeout_s` (inf for no limit)."""
        with anyio.move_on_after(None if timeout_s == float("inf") else max(0.0, timeout_s)):
            await self._news.wait()

    def take(self) -> tuple[Snapshot | None, tuple[str, ...]]:
        """The newest snapshot, if there is a new one, and the reasons to look again; both are gone from here."""
        taken = self._snapshot, tuple(self._reasons)
        self._snapshot, self._reasons, self._news = None, [], anyio.Event()
        return taken
