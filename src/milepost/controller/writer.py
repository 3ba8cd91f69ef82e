"""Lets the proxy's file follow what runs: behind it, in a task of its own, so that no change waits for a disk."""

from collections.abc import Awaitable, Callable
from typing import Generic

import anyio

from milepost.controller.burst import Burst
from milepost.controller.report import Reporter
from milepost.controller.timing import Backoff, Settle
from milepost.errors import ProxyError
from milepost.proxies.base import DesiredT


class FileWriter(Generic[DesiredT]):
    """Saves the newest of what it is given once no newer one came for a while, and tries again where that fails."""

    def __init__(
        self,
        save: Callable[[DesiredT], Awaitable[None]],
        settle: Settle,
        retry: Backoff,
        report: Reporter,
        clock: Callable[[], float],
    ) -> None:
        self._save, self._burst, self._retry = save, Burst(settle, clock), retry
        self._report = report
        self._wanted: DesiredT | None = None
        self._written: DesiredT | None = None

    def put(self, desired: DesiredT) -> None:
        """This runs and is to stand in the file. What is the very same object as before is no news."""
        if desired is self._wanted or desired is self._written:
            return
        self._wanted = desired
        self._burst.news()

    def hold(self) -> None:
        """What should run has not passed the proxy's check: nothing is to be written."""
        self._wanted = None

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._burst.over()
            if self._wanted is not None:
                await self._write(self._wanted)

    async def _write(self, desired: DesiredT) -> None:
        try:
            await self._save(desired)
        except ProxyError as error:
            self._retry = self._retry.failed()
            self._report.not_saved(error, self._retry.wait_s)
            await anyio.sleep(self._retry.wait_s)
            self._burst.news()
        else:
            self._retry, self._written = self._retry.succeeded(), desired
            self._report.saved()
