"""The one thing the controller asks of a source."""

from collections.abc import Callable
from typing import Protocol

from milepost.model.snapshot import Snapshot


class Source(Protocol):
    """Reports the state of a scheduler; decides nothing."""

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Publish one complete snapshot at the start, then one after each possible change.

        Runs until cancelled and reconnects by itself. A failed read publishes nothing: stale tasks are
        better than half of them. `publish` never blocks and is called from the event loop's thread.
        """

    def remember(self, before: Snapshot) -> None:
        """What was known before the start, told before `run`: what earlier reads said of a task stays known."""

    def look_again(self, reason: str) -> None:
        """Have everything read once more soon, in a read that has not begun yet."""
