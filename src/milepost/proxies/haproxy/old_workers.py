"""Workers that a reload has replaced and that still finish their sessions: counted, and never more than so many.

Each holds its whole memory for as long as its last client stays: with websockets, until `hard-stop-after`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import anyio

from milepost.errors import ProxyError
from milepost.model.notice import Notify, OldWorkerEnded, OldWorkersSeen
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.memory import held_bytes, usable_bytes
from milepost.proxies.haproxy.observe import Worker
from milepost.proxies.haproxy.process import end_child

_INTERVAL_S = 2.0


@dataclass(frozen=True, slots=True)
class Room:
    """How many may finish side by side: `count` always, and more while together they hold no more than `share` of the
    memory (0..1). Where their memory cannot be seen, `count` alone is the limit."""

    count: int = 8
    share: float = 0.25

    def holds(self, count: int, held: int | None, usable: int) -> bool:
        """Whether so many have room that hold so many bytes of the usable ones."""
        return count <= self.count or (held is not None and held <= self.share * usable)


class OldWorkers:
    """Lets them finish while there is room. Where there is none, the oldest ends, and with it its sessions."""

    def __init__(self, master: MasterSocket, room: Room, notify: Notify) -> None:
        self._master, self._room, self._notify = master, room, notify
        self._were_there = False
        self._told: frozenset[int] = frozenset()  # the pids that were told to end already

    async def watch(self) -> None:
        """Look every few seconds until cancelled, also after reloads that were not ours."""
        while True:
            await self.look()
            await anyio.sleep(_INTERVAL_S)

    async def look(self) -> None:
        """Count them once, and end those beyond the limit. A master that does not answer is told of elsewhere."""
        try:
            found = await self._master.processes()
        except ProxyError:
            return
        oldest_first = sorted(found.old, key=lambda worker: worker.reloads, reverse=True)
        if oldest_first or self._were_there:
            oldest_s = max((worker.uptime_s for worker in oldest_first), default=0.0)
            self._notify(OldWorkersSeen("haproxy", len(oldest_first), oldest_s))
        self._were_there = bool(oldest_first)
        beyond = self._beyond(oldest_first)
        for worker in beyond:
            if worker.pid not in self._told:
                self._end(worker, found.master, len(oldest_first))
        self._told = frozenset(worker.pid for worker in beyond)

    def _beyond(self, oldest_first: list[Worker]) -> list[Worker]:
        """Those that have to go, so that there is room for the others."""
        if len(oldest_first) <= self._room.count:
            return []  # the usual case asks nobody for memory
        usable, first = usable_bytes(), 0
        while not self._room.holds(len(oldest_first) - first, held_bytes(_pids(oldest_first[first:])), usable):
            first += 1
        return oldest_first[:first]

    def _end(self, worker: Worker, master: int, count: int) -> None:
        why_not = end_child(worker.pid, master)
        self._notify(OldWorkerEnded("haproxy", worker.pid, worker.uptime_s, count, why_not))


def _pids(workers: Iterable[Worker]) -> list[int]:
    return [worker.pid for worker in workers]
