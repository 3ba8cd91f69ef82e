"""A change of structure takes a check and a reload, up to seconds: it runs beside the passes, which go on meanwhile."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

import anyio

from milepost.errors import ProxyError
from milepost.proxies.base import ActualT, DesiredT, Outcome, Plan


@dataclass(frozen=True, slots=True)
class Finished(Generic[ActualT]):
    """What came of a change of structure that was made for `plan`, within `took_s` seconds."""

    plan: Plan
    result: Outcome[ActualT] | ProxyError
    took_s: float


class Restructuring(Generic[DesiredT, ActualT]):
    """One change of structure at a time. Its end is told by `wake`, and what came of it waits to be taken."""

    def __init__(
        self,
        restructure: Callable[[Callable[[], DesiredT]], Awaitable[Outcome[ActualT]]],
        wake: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._restructure, self._wake, self._clock = restructure, wake, clock
        self._order: tuple[Plan, Callable[[], DesiredT]] | None = None
        self._ordered = anyio.Event()
        self._finished: Finished[ActualT] | None = None

    @property
    def is_under_way(self) -> bool:
        return self._order is not None

    def begin(self, plan: Plan, wanted: Callable[[], DesiredT]) -> None:
        """Make what `wanted` returns run, for the reasons of `plan`. Not while one is under way."""
        self._order = plan, wanted
        self._ordered.set()

    def take(self) -> Finished[ActualT] | None:
        """What has finished and was not taken yet."""
        finished, self._finished = self._finished, None
        return finished

    async def run(self) -> None:
        """Carry out what is begun, until cancelled."""
        while True:
            await self._ordered.wait()
            self._ordered = anyio.Event()
            if self._order is not None:
                self._finished = await self._carry_out(*self._order)
                self._order = None
                self._wake()

    async def _carry_out(self, plan: Plan, wanted: Callable[[], DesiredT]) -> Finished[ActualT]:
        began_s = self._clock()
        try:
            result: Outcome[ActualT] | ProxyError = await self._restructure(wanted)
        except ProxyError as error:
            result = error
        return Finished(plan, result, self._clock() - began_s)
