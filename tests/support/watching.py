"""A Marathon source at work, for tests: what it published, what it told, and waiting for either."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from milepost.model.notice import Notice
from milepost.model.snapshot import App, Snapshot
from milepost.sources.marathon.settings import MarathonSettings
from milepost.sources.marathon.source import MarathonSource
from support.fake_marathon import FakeMarathon
from support.waiting import until

QUICK = MarathonSettings(
    ("http://127.0.0.1:1",),
    connect_timeout_s=2.0,
    read_timeout_s=10.0,
    stream_silence_s=20.0,
    read_interval_s=3600.0,
    first_backoff_s=0.01,
    max_backoff_s=0.05,
    pods=False,
)
"""Tries again at once, but reads all apps only when it has a reason to, and no pods."""


def settings_for(*marathons: FakeMarathon, **changes: Any) -> MarathonSettings:
    return replace(QUICK, urls=tuple(marathon.url for marathon in marathons), **changes)


@dataclass
class Watch:
    """What a source published and told so far."""

    snapshots: list[Snapshot] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def app(self, app_id: str = "/web") -> App | None:
        """The app in the newest snapshot."""
        return self.snapshots[-1].apps.get(app_id) if self.snapshots else None

    def states(self, app_id: str = "/web") -> list[str]:
        app = self.app(app_id)
        return [task.state for task in app.tasks] if app else []

    def told(self, kind: type[Notice]) -> list[Notice]:
        return [notice for notice in self.notices if isinstance(notice, kind)]

    async def until(self, is_so: Callable[["Watch"], object]) -> None:
        await until(lambda: bool(is_so(self)))


@asynccontextmanager
async def watching(
    settings: MarathonSettings, before: Snapshot | None = None, **arguments: Any
) -> AsyncIterator[Watch]:
    """A source that runs, with what it gives; ended at the end. It remembers `before`."""
    watch = Watch()
    source = MarathonSource(settings, watch.notices.append, **arguments)
    if before is not None:
        source.remember(before)
    async with anyio.create_task_group() as group:
        group.start_soon(source.run, watch.snapshots.append)
        yield watch
        group.cancel_scope.cancel()
