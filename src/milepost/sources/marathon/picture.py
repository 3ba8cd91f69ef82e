"""What is known of a cluster, and since when each part of it. No I/O; times are arguments.

Reads take time and events come in between, so each read is placed by the moment it began: it says nothing
about what was heard or read later than that.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from milepost.model.problem import Problem
from milepost.model.shared_map import SharedMap, changed, replaced
from milepost.model.snapshot import App, Cause, Snapshot
from milepost.sources.health import carry_app_health
from milepost.sources.marathon.answer import Answer, go_on
from milepost.sources.marathon.overlay import News, with_news
from milepost.sources.marathon.readiness import with_readiness
from milepost.sources.marathon.sightings import with_sightings
from milepost.sources.names import with_addresses

NEVER_S = float("-inf")


def settled(
    answer: Answer,
    before: Mapping[str, App],
    addresses: Mapping[str, str],
    seen_s: float,
    between: Callable[[], None] = go_on,
) -> Answer:
    """`answer`, each app compared with the one in `before`: see `renewed`. `between` is called between two apps."""
    apps: dict[str, App] = {}
    for app_id, app in answer.apps.items():
        apps[app_id] = renewed(before.get(app_id), app, addresses, seen_s)
        between()
    return Answer(apps, answer.unreadable)


def renewed(
    before: App | None, read: App, addresses: Mapping[str, str], seen_s: float, news: tuple[News, ...] = ()
) -> App:
    """What is known of an app after a read: health carried over, newer news laid over it, agents located.

    `seen_s` is when tasks that were not known yet are first seen. Gives `before` itself if that is all known already,
    else at least its definition if only tasks changed: later stages skip what is the same object.
    """
    read = with_readiness(before, with_sightings(before, carry_app_health(before, read), seen_s), seen_s)
    after = with_addresses(with_news(read, news), addresses)
    if before is None:
        return after
    if before == after:
        return before
    return replace(after, definition=before.definition) if before.definition == after.definition else after


class Picture:
    """The apps of a cluster as far as known. All times in seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._apps: SharedMap[App] = SharedMap({})
        self._problems: dict[str, tuple[Problem, ...]] = {}  # by app id, of those apps that have any
        self._news: dict[str, tuple[News, ...]] = {}
        self._all_read_s = NEVER_S
        self._addresses: Mapping[str, str] = {}
        self._read_s: dict[str, float] = {}  # when the read began that told of an app after the last full read

    @property
    def is_empty(self) -> bool:
        """Whether there was no full read yet."""
        return self._all_read_s == NEVER_S

    def remember(self, apps: Mapping[str, App]) -> None:
        """Take over what was known before the start. It is no read: nothing of it goes out before there was one."""
        self._apps = replaced(apps, {})

    def seen_s(self, begun_s: float) -> float:
        """What a full read that began at `begun_s` gives as `Task.observed_s`."""
        return 0.0 if self.is_empty else begun_s

    def apps(self) -> Mapping[str, App]:
        """The apps known now; what is learned later makes another mapping."""
        return self._apps

    def snapshot(self, source: str, read_at_s: float, causes: tuple[Cause, ...]) -> Snapshot:
        """All of it as a value; `read_at_s` is the Unix time of the last full read."""
        problems = tuple(problem for group in self._problems.values() for problem in group)
        return Snapshot(self.apps(), source, read_at_s, problems, causes, self._all_read_s)

    def take_all(self, answer: Answer, before: Mapping[str, App], addresses: Mapping[str, str], begun_s: float) -> None:
        """A full read that began at `begun_s`, `settled` against `before`. An app not in it is gone.

        An app that was read later stays as it is, and so does one that cannot be read this time.
        """
        self._forget_news(begun_s)
        seen_s, self._addresses = self.seen_s(begun_s), addresses
        self._read_s = {app_id: read_s for app_id, read_s in self._read_s.items() if read_s > begun_s}
        self._all_read_s = begun_s
        known = self._apps
        apps: dict[str, App] = {}
        unsettled = {*changed(before, known), *changed(known, before), *self._news}
        for app_id, app in answer.apps.items():
            if app_id not in self._read_s:
                news = self._news.get(app_id, ())
                apps[app_id] = renewed(known.get(app_id), app, addresses, seen_s, news) if app_id in unsettled else app
        unreadable = {problem.app_id for problem in answer.unreadable} - apps.keys()
        apps |= {app_id: app for app_id, app in known.items() if app_id in self._read_s or app_id in unreadable}
        self._apps = SharedMap(apps, known)
        self._problems = _by_app(answer.unreadable) | self._problems_within()

    def take_one(self, app_id: str, answer: Answer, addresses: Mapping[str, str], begun_s: float) -> bool:
        """A read of one app that began at `begun_s`; an empty answer says that it is gone. Tells if that changes it."""
        if begun_s < max(self._all_read_s, self._read_s.get(app_id, NEVER_S)):
            return False
        self._read_s[app_id] = begun_s
        self._forget_news(begun_s, app_id)
        known, read = self._apps.get(app_id), answer.apps.get(app_id)
        problems = answer.unreadable or (read.problems if read else ())
        is_new = problems != self._problems.pop(app_id, ())
        if problems:
            self._problems[app_id] = problems
        if read is not None:
            app = renewed(known, read, addresses, begun_s, self._news.get(app_id, ()))
            self._apps = replaced(self._apps, {app_id: app})
        elif known is not None and not answer.unreadable:
            self._apps = SharedMap({other: app for other, app in self._apps.items() if other != app_id})
        return is_new or self._apps.get(app_id) is not known

    def hear(self, app_id: str, news: News) -> tuple[str, ...]:
        """News: the ids of the tasks of which it changes what is known. It is kept for reads that began before it."""
        others = (other for other in self._news.get(app_id, ()) if (other.ref, other.state) != (news.ref, news.state))
        self._news[app_id] = (*others, news)
        known = self._apps.get(app_id)
        if known is None:
            return ()
        told = with_addresses(with_news(known, (news,)), self._addresses)
        self._apps = replaced(self._apps, {app_id: told})
        return tuple(task.id for task in told.tasks if task not in known.tasks)

    def locate(self, addresses: Mapping[str, str]) -> bool:
        """Agents have other addresses now; tells whether that concerns any task."""
        before, self._addresses = self._apps, addresses
        self._apps = replaced(before, {app_id: with_addresses(app, addresses) for app_id, app in before.items()})
        return self._apps is not before

    def _problems_within(self) -> dict[str, tuple[Problem, ...]]:
        return {app_id: app.problems for app_id, app in self._apps.items() if app.problems}

    def _forget_news(self, begun_s: float, app_id: str | None = None) -> None:
        """Drop the news that a read that began at `begun_s` has taken into account."""
        for told in list(self._news) if app_id is None else [app_id]:
            left = tuple(news for news in self._news.pop(told, ()) if news.heard_s > begun_s)
            if left:
                self._news[told] = left


def _by_app(problems: tuple[Problem, ...]) -> dict[str, tuple[Problem, ...]]:
    grouped: dict[str, tuple[Problem, ...]] = {}
    for problem in problems:
        grouped[problem.app_id] = (*grouped.get(problem.app_id, ()), problem)
    return grouped
