"""Marathon as a source: its event stream says where to look, its API says what is."""

import random
import time
from collections.abc import Callable

import anyio
import httpx2

from milepost.errors import SourceError
from milepost.model.notice import BadNews, Notice, Notify, SourceConnected, SourceFailed
from milepost.model.snapshot import Cause, Snapshot
from milepost.sources.marathon.client import MarathonClient
from milepost.sources.marathon.events import Event, read_event
from milepost.sources.marathon.outlet import Outlet
from milepost.sources.marathon.picture import Picture
from milepost.sources.marathon.reader import Reader
from milepost.sources.marathon.reconnect import Reconnect
from milepost.sources.marathon.settings import MarathonSettings
from milepost.sources.names import addresses_in
from milepost.sources.resolver import Resolve, Resolver, resolve_ipv4

_READERS = 4  # reads of single apps at a time


class MarathonSource:
    """Watches one Marathon cluster (`milepost.sources.base.Source`).

    `name` (the settings' own where it is "") stands in snapshots and notices. `resolve` looks an agent's name up and
    may block. `clock` is the process's monotonic clock in seconds, `chance` gives random numbers in 0..1.
    """

    def __init__(
        self,
        settings: MarathonSettings,
        notify: Notify,
        *,
        name: str = "",
        resolve: Resolve = resolve_ipv4,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._name = name = name or settings.source
        self._settings, self._notify = settings, notify
        self._clock, self._chance = clock, chance
        self._client = MarathonClient(settings)
        self._opened_s: float | None = None  # when the stream of now was opened
        self._picture = Picture()
        self._outlet = Outlet(name, self._picture)
        self._resolver = Resolver(resolve, clock=clock)
        self._reader = Reader(
            name, settings, self._client, self._picture, self._outlet, self._resolver, notify, clock, chance
        )

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """Publish the cluster as it is, then after each possible change, until cancelled. Once per source.

        The stream is opened first and all apps are read then, so that nothing falls between the two.
        """
        async with self._client, anyio.create_task_group() as group:
            group.start_soon(self._client.run)
            group.start_soon(self._listen)
            group.start_soon(self._reader.run_full_reads)
            group.start_soon(self._reader.run_names)
            group.start_soon(self._reader.run_readiness)
            group.start_soon(self._outlet.run, publish)
            for _ in range(_READERS):
                group.start_soon(self._reader.run_hints)

    def remember(self, before: Snapshot) -> None:
        """See `Source.remember`."""
        self._picture.remember(before.apps)
        self._resolver.remember(addresses_in(before.apps.values()))

    def look_again(self, reason: str) -> None:
        """See `Source.look_again`."""
        self._reader.look_at_all(reason)

    async def read_once(self) -> Snapshot:
        """The cluster as it is now, without listening. Raises SourceError. Once per source."""
        async with self._client:
            await self._reader.read_all(("asked",))
        return self._outlet.snapshot()

    async def _listen(self) -> None:
        """Hold the stream open. Without one there is still the timer: a first read is asked for in either case."""
        reconnect = Reconnect()
        while True:
            endpoint = self._client.endpoint
            self._opened_s = None
            try:
                error = await self._hear_stream()
            except SourceError as broken:
                error = str(broken)
            if self._opened_s is None:
                reconnect = reconnect.not_opened()
            else:
                reconnect = reconnect.opened(self._clock() - self._opened_s, self._settings)
            retry_s = reconnect.wait_s(self._settings, self._chance())
            self._notify(SourceFailed(self._name, endpoint, error, retry_s))
            if self._picture.is_empty:
                self._reader.look_at_all("no event stream")
            await anyio.sleep(retry_s)

    async def _hear_stream(self) -> str:
        """Heed the events of one stream until Marathon ends it; gives what is to be said of that."""
        async with self._client.events() as stream:
            self._opened_s = self._clock()
            self._notify(SourceConnected(self._name, stream.endpoint))
            self._reader.look_at_all("event stream opened")
            self._reader.try_again()
            async for event in stream.events:
                self._hear(event)
        return f"{stream.endpoint}: the event stream was ended"

    def _hear(self, sent: httpx2.ServerSentEvent) -> None:
        heard_s = self._clock()
        try:
            event = read_event(sent.event, sent.data, heard_s)
        except ValueError:
            self._reader.look_at_all(f"unreadable {sent.event}")
            return
        if event is not None:
            self._heed(event, heard_s)

    def _heed(self, event: Event, heard_s: float) -> None:
        """News of a task acts at once; whatever else an event says is only a hint to read."""
        for app_id in (self._settings.prefix + named for named in event.app_ids):
            if event.says_again and not self._is_pod(app_id):
                continue
            cause = Cause(event.reason, app_id, heard_s, event.ended, event.is_owners)
            if event.news is not None:
                told = self._picture.hear(app_id, event.news)
                if told or event.ended:  # what a read no longer shows may be served still
                    self._outlet.changed((cause,))
                for task_id in told if event.news.is_bad else ():
                    self._notify(BadNews(app_id, task_id, event.reason))
            self._reader.look_at(app_id, cause)

    def _is_pod(self, app_id: str) -> bool:
        known = self._picture.apps().get(app_id)
        return known is not None and known.definition.is_pod


def _no_notice(_: Notice) -> None:
    """For a read on its own: its error is the caller's."""


async def read_once(settings: MarathonSettings, name: str = "", resolve: Resolve = resolve_ipv4) -> Snapshot:
    """One full read of a Marathon, agent names resolved. Raises SourceError if no endpoint gives a good answer."""
    return await MarathonSource(settings, _no_notice, name=name, resolve=resolve).read_once()
