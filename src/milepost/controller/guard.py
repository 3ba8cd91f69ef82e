"""Holds back a read that takes too much away, until another read, or an operator, says that it is so. Pure.

What an event said of a task or an app passes: the read that it led to is a second voice already. What only a read of
all apps says is held where it would empty an app, or take more than a share of all tasks in traffic. Held are the
removals alone: whatever came new goes on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from milepost.model.shared_map import SharedMap, changed
from milepost.model.snapshot import App, Snapshot, Task

Serves = Callable[[Task, App], bool]
"""Whether a task may get traffic, by what its app says."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`share` of all serving tasks: a read that takes more has to be confirmed. A confirmed one that takes more than
    `approve_share` waits for an operator where these are `approve_from` tasks or more, or where none would be left.
    """

    share: float = 0.25
    approve_share: float = 0.5
    approve_from: int = 10


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held: `tasks` of `apps`, out of `serving` in all. With `needs_approval` a second read said the same."""

    apps: tuple[str, ...]
    tasks: int
    serving: int
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The snapshot to go on with. `look_again`: a second read of all apps is needed to decide."""

    snapshot: Snapshot
    holding: Holding | None
    look_again: bool


class Guard:
    """Judges one snapshot after the other against what it let pass before."""

    def __init__(self, limits: Limits, serves: Serves) -> None:
        self._limits, self._serves = limits, serves
        self._passed: Mapping[str, App] | None = None
        self._read_at_s = 0.0
        self._held: dict[str, App] = {}  # by app id, as it was before the read that would take from it
        self._merged: dict[str, tuple[App | None, App]] = {}
        self._needs_approval = False

    def judge(self, snapshot: Snapshot) -> Verdict:
        """What of `snapshot` may pass now."""
        is_read, self._read_at_s = snapshot.read_at_s != self._read_at_s, snapshot.read_at_s
        if self._passed is None:
            self._passed = snapshot.apps
            return Verdict(snapshot, None, look_again=False)
        named = {cause.app_id for cause in snapshot.causes}
        held = {id_: app for id_, app in self._held.items() if id_ not in named and self._loss(app, snapshot.apps)}
        look_again = False
        if is_read:
            held, look_again = self._after_read(held, snapshot.apps, named)
        return self._verdict(snapshot, held, look_again=look_again)

    def approve(self, snapshot: Snapshot) -> Verdict:
        """An operator says that `snapshot`, the newest that was judged, is right."""
        return self._verdict(snapshot, {}, look_again=False)

    def _after_read(
        self, held: dict[str, App], apps: Mapping[str, App], named: set[str]
    ) -> tuple[dict[str, App], bool]:
        """What is held after a read of all apps, and whether another is needed. What was held before is confirmed."""
        fresh = {app.id: app for app in self._taken_from(apps) if app.id not in held and app.id not in named}
        if not held and not fresh:
            return {}, False
        serving = self._serving()
        self._needs_approval = self._is_an_operators(self._total(held, apps), serving)
        kept = held if self._needs_approval else {}
        if self._total(fresh, apps) <= self._limits.share * serving:
            fresh = {app_id: app for app_id, app in fresh.items() if not self._count(apps.get(app_id))}
        return kept | fresh, bool(fresh)

    def _is_an_operators(self, taken: int, serving: int) -> bool:
        return taken > self._limits.approve_share * serving and (taken >= self._limits.approve_from or taken == serving)

    def _taken_from(self, apps: Mapping[str, App]) -> Iterator[App]:
        """The apps as they were let pass that have fewer serving tasks now."""
        before = self._passed or {}
        touched = [*changed(apps, before)]  # as before; those that are new lose nothing
        yield from (before[app_id] for app_id in touched if self._loss(before[app_id], apps))

    def _loss(self, before: App, apps: Mapping[str, App]) -> int:
        """By number: a task that was replaced is no loss."""
        return max(0, self._count(before) - self._count(apps.get(before.id)))

    def _count(self, app: App | None) -> int:
        return sum(self._serves(task, app) for task in app.tasks) if app else 0

    def _total(self, held: Mapping[str, App], apps: Mapping[str, App]) -> int:
        return sum(self._loss(app, apps) for app in held.values())

    def _serving(self) -> int:
        return sum(map(self._count, (self._passed or {}).values()))

    def _verdict(self, snapshot: Snapshot, held: dict[str, App], *, look_again: bool) -> Verdict:
        """`snapshot` with what is held put back into it."""
        self._held = held
        if not held:
            self._passed, self._merged, self._needs_approval = snapshot.apps, {}, False
            return Verdict(snapshot, None, look_again=False)
        taken = self._total(held, snapshot.apps)
        self._merged = {app_id: self._merge(snapshot.apps.get(app_id), app) for app_id, app in held.items()}
        merged = {app_id: after for app_id, (_, after) in self._merged.items()}
        self._passed = SharedMap({**dict(snapshot.apps.items()), **merged}, self._passed)
        holding = Holding(tuple(sorted(held)), taken, self._serving(), self._needs_approval)
        return Verdict(replace(snapshot, apps=self._passed), holding, look_again)

    def _merge(self, now: App | None, before: App) -> tuple[App | None, App]:
        """The app as it is now, with the tasks that served before; the very same object as long as it is the same."""
        known = self._merged.get(before.id)
        if known is not None and known[0] is now:
            return known
        if now is None:
            return None, before
        kept = {task.id: task for task in before.tasks if self._serves(task, before)}
        serving = {task.id for task in now.tasks if self._serves(task, now)}
        tasks = [task if task.id in serving else kept.pop(task.id, task) for task in now.tasks]
        ids = {task.id for task in now.tasks}
        tasks += [task for task_id, task in kept.items() if task_id not in ids]
        return now, replace(now, tasks=tuple(tasks))
