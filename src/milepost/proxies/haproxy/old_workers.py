"""Workers that a reload has replaced and that still finish their sessions: counted, and never more than so many.

Each holds its whole memory for as long as its last client stays: with websockets, until `hard-stop-after`.
"""

import anyio

from milepost.errors import ProxyError
from milepost.model.notice import Notify, OldWorkerEnded, OldWorkersSeen
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.observe import Worker
from milepost.proxies.haproxy.process import end_child

_INTERVAL_S = 2.0


class OldWorkers:
    """Lets `limit` of them finish side by side. Where there are more, the oldest ends, and with it its sessions."""

    def __init__(self, master: MasterSocket, limit: int, notify: Notify) -> None:
        self._master, self._limit, self._notify = master, limit, notify
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
        beyond = oldest_first[: max(0, len(oldest_first) - self._limit)]
        for worker in beyond:
            if worker.pid not in self._told:
                self._end(worker, found.master)
        self._told = frozenset(worker.pid for worker in beyond)

    def _end(self, worker: Worker, master: int) -> None:
        why_not = end_child(worker.pid, master)
        self._notify(OldWorkerEnded("haproxy", worker.pid, worker.uptime_s, self._limit, why_not))
