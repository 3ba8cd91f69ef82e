"""Holds back a read that takes too much away, until a later read, or an operator, says that it is so. Pure.

A read of all apps is held where it would empty an app, or take more than a share of all tasks in traffic; a read of
one app where it would empty it. What events spoke of passes: a task that ended, an app that its owner changed. Held
are the removals alone: whatever came new goes on.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace

from milepost.model.shared_map import SharedMap, changed, replaced
from milepost.model.snapshot import App, Cause, Snapshot, Task

Serves = Callable[[Task, App], bool]
"""Whether a task may get traffic, by what its app says."""

Means = Callable[[str, str], bool]
"""Whether a task's id (the first) is meant by what an event names."""

NEVER_S = float("inf")


@dataclass(frozen=True, slots=True)
class Limits:
    """`share` of all serving tasks: a read that takes more has to be confirmed, by one that begins `confirm_after_s`
    (seconds) later or after that. A confirmed one that takes more than `approve_share` waits for an operator where
    these are `approve_from` tasks or more, or where none would be left.
    """

    share: float = 0.25
    approve_share: float = 0.5
    approve_from: int = 10
    confirm_after_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held: `tasks` of `apps`, out of `serving` in all. With `needs_approval` a second read said the same."""

    apps: tuple[str, ...]
    tasks: int
    serving: int
    needs_approval: bool


def all_held(holdings: Iterable[Holding]) -> Holding | None:
    """What is held of several sources, as one; None where nothing is."""
    held = tuple(holdings)
    if len(held) < 2:
        return held[0] if held else None
    return Holding(
        apps=tuple(sorted(app_id for holding in held for app_id in holding.apps)),
        tasks=sum(holding.tasks for holding in held),
        serving=sum(holding.serving for holding in held),
        needs_approval=any(holding.needs_approval for holding in held),
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The snapshot to go on with. `look_again_s` is when to begin a read of all apps, to decide on what is held."""

    snapshot: Snapshot
    holding: Holding | None
    look_again_s: float = NEVER_S


@dataclass(frozen=True, slots=True)
class _Held:
    """An app as it served before a read took `loss` tasks from it; `stays` is what is known of it now, with those."""

    app: App
    since_s: float
    loss: int
    stays: App


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What the events behind a snapshot speak of: apps that their owners changed, and, by app, tasks that ended."""

    apps: Set[str]
    tasks: Mapping[str, Set[str]]

    @classmethod
    def of(cls, causes: Iterable[Cause]) -> "_Spoken":
        tasks: dict[str, set[str]] = defaultdict(set)
        for cause in causes:
            if cause.ended:
                tasks[cause.app_id].add(cause.ended)
        return cls({cause.app_id for cause in causes if cause.is_owners}, tasks)


class Guard:
    """Judges one snapshot after the other against what it let pass before. Times in seconds of the monotonic clock.

    `drained` gives the ids of tasks from which a deployment has taken the traffic: nobody misses them.
    While it holds something an event costs what it changed: neither all apps nor all that are held are looked at.
    """

    def __init__(
        self, limits: Limits, serves: Serves, means: Means = str.__eq__, drained: Callable[[], Set[str]] = frozenset
    ) -> None:
        self._limits, self._serves, self._means, self._drained = limits, serves, means, drained
        self._newest: Mapping[str, App] = {}
        self._passed: Mapping[str, App] | None = None
        self._counted: tuple[Mapping[str, App], int] = ({}, 0)
        self._read_begun_s = -NEVER_S
        self._held: dict[str, _Held] = {}
        self._summary: tuple[Holding, float] | None = None  # what is held, and when to look again
        self._needs_approval = False
        self._asks_operator = True
        self._is_first = False

    def remember(self, apps: Mapping[str, App], *, asks_operator: bool) -> None:
        """What served before the start: the first read is judged against it, without an operator if so said."""
        self._passed, self._asks_operator, self._is_first = apps, asks_operator, True

    def judge(self, snapshot: Snapshot, now_s: float) -> Verdict:
        """What of `snapshot`, which came at `now_s`, may pass."""
        is_read, self._read_begun_s = snapshot.read_begun_s != self._read_begun_s, snapshot.read_begun_s
        before, self._newest = self._newest, snapshot.apps
        if self._passed is None:
            return self._let_pass(snapshot)
        spoken = _Spoken.of(snapshot.causes)
        touched = {cause.app_id for cause in snapshot.causes if cause.app_id}
        if was_holding := bool(self._held):
            touched.update(changed(before, snapshot.apps), changed(snapshot.apps, before))
        self._review(touched & self._held.keys(), spoken)
        if is_read:
            self._after_read(spoken, now_s)
        else:
            self._after_event(touched - self._held.keys() - spoken.apps, spoken, now_s)
        self._is_first = False
        if not self._held:
            return self._let_pass(snapshot)
        is_small = was_holding and not is_read
        self._passed = self._merged(touched, self._passed) if is_small else self._all_merged()
        return self._verdict(snapshot)

    def approve(self, snapshot: Snapshot) -> Verdict:
        """An operator says that `snapshot`, the newest that was judged, is right."""
        return self._let_pass(snapshot)

    def _review(self, app_ids: Set[str], spoken: _Spoken) -> None:
        """Let go of what came back, and of that of which an event has spoken."""
        for app_id in app_ids:
            held, self._summary = self._held.pop(app_id), None
            if app_id not in spoken.apps:
                self._hold(self._unspoken(held.app, spoken), held.since_s)

    def _hold(self, app: App, since_s: float) -> None:
        now = self._newest.get(app.id)
        if loss := self._loss(app, now):
            self._held[app.id] = _Held(app, since_s, loss, self._with_tasks(now, app))
            self._summary = None

    def _after_read(self, spoken: _Spoken, now_s: float) -> None:
        """Look at all that a read of all apps takes away. What was held long enough when it began is confirmed."""
        fresh = list(self._taken_from(spoken))
        if not self._held and not fresh:
            return
        self._summary, serving = None, self._serving()
        taken = sum(self._loss(app, self._newest.get(app.id)) for app in fresh)
        known = sum(held.loss for held in self._held.values())
        unripe = {app_id: held for app_id, held in self._held.items() if not self._is_ripe(held)}
        self._needs_approval = len(unripe) < len(self._held) and self._is_an_operators(known + taken, serving)
        if not self._needs_approval:
            self._held = unripe
        for app in fresh:
            if taken > self._limits.share * serving or not self._count(self._newest.get(app.id)):
                self._hold(_seen_before_all(app) if self._is_first else app, now_s)

    def _after_event(self, app_ids: Set[str], spoken: _Spoken, now_s: float) -> None:
        """Look at the apps that were read for themselves: does one have nobody left, without a word of those it had?

        What such a read says of a task that it does show may be anything.
        """
        for app_id in app_ids:
            before, now = (self._passed or {}).get(app_id), self._newest.get(app_id)
            if before is not None and not self._count(now):
                shown = {task.id for task in now.tasks} if now else set()
                missing = tuple(task for task in before.tasks if task.id not in shown)
                self._hold(self._unspoken(replace(before, tasks=missing), spoken), now_s)

    def _is_ripe(self, held: _Held) -> bool:
        return held.since_s + self._limits.confirm_after_s <= self._read_begun_s

    def _is_an_operators(self, taken: int, serving: int) -> bool:
        is_much = taken > self._limits.approve_share * serving
        return self._asks_operator and is_much and (taken >= self._limits.approve_from or taken == serving)

    def _taken_from(self, spoken: _Spoken) -> Iterator[App]:
        """The apps as they were let pass that have fewer serving tasks now, and no event says why."""
        before = self._passed or {}
        for app_id in changed(self._newest, before):  # as before; those that are new lose nothing
            if app_id not in self._held and app_id not in spoken.apps:
                app = self._unspoken(before[app_id], spoken)
                if self._loss(app, self._newest.get(app_id)):
                    yield app

    def _unspoken(self, app: App, spoken: _Spoken) -> App:
        """The app without the tasks that ended by an event; itself where there is none."""
        ended = spoken.tasks.get(app.id, ())
        left = tuple(task for task in app.tasks if not any(self._means(task.id, ref) for ref in ended))
        return app if len(left) == len(app.tasks) else replace(app, tasks=left)

    def _loss(self, before: App, now: App | None) -> int:
        """By number: a task that was replaced is no loss. Nor is one that was drained, or of which an event speaks."""
        told = {task.id for task in now.tasks if task.unconfirmed} if now else set()
        told |= self._drained()
        expected = sum(self._serves(task, before) for task in before.tasks if task.id not in told)
        return max(0, expected - self._count(now))

    def _count(self, app: App | None) -> int:
        return sum(self._serves(task, app) for task in app.tasks) if app else 0

    def _serving(self) -> int:
        """All tasks in traffic; counted anew only in apps that changed since the last time."""
        (before, count), now = self._counted, self._passed or {}
        count += sum(self._count(now[app_id]) for app_id in changed(before, now))
        count -= sum(self._count(before[app_id]) for app_id in changed(now, before))
        self._counted = now, count
        return count

    def _let_pass(self, snapshot: Snapshot) -> Verdict:
        self._passed, self._held = snapshot.apps, {}
        self._needs_approval, self._asks_operator = False, True
        return Verdict(snapshot, None)

    def _verdict(self, snapshot: Snapshot) -> Verdict:
        """`snapshot` with what is held put back into it."""
        holding, due_s = self._summary = self._summary or self._summed_up()
        holding = replace(holding, serving=self._serving())
        return Verdict(replace(snapshot, apps=self._passed or {}), holding, due_s)

    def _summed_up(self) -> tuple[Holding, float]:
        taken = sum(held.loss for held in self._held.values())
        holding = Holding(tuple(sorted(self._held)), taken, 0, self._needs_approval)
        since_s = min((held.since_s for held in self._held.values() if not self._is_ripe(held)), default=NEVER_S)
        return holding, since_s + self._limits.confirm_after_s

    def _merged(self, touched: Set[str], before: Mapping[str, App]) -> Mapping[str, App]:
        """What passes now, made from what did `before` by the apps that changed since."""
        found = {app_id: self._held[app_id].stays for app_id in touched & self._held.keys()}
        found |= {app_id: self._newest[app_id] for app_id in touched - found.keys() if app_id in self._newest}
        is_one_gone = any(app_id in before for app_id in touched - found.keys())
        return self._all_merged() if is_one_gone else replaced(before, found)

    def _all_merged(self) -> Mapping[str, App]:
        held = {app_id: held.stays for app_id, held in self._held.items()}
        return SharedMap({**dict(self._newest.items()), **held}, self._passed)

    def _with_tasks(self, now: App | None, before: App) -> App:
        """The app as it is now, with the tasks that served before."""
        if now is None:
            return before
        kept = {task.id: task for task in before.tasks if self._serves(task, before)}
        serving = {task.id for task in now.tasks if self._serves(task, now)}
        tasks = [task if task.id in serving else kept.pop(task.id, task) for task in now.tasks]
        ids = {task.id for task in now.tasks}
        tasks += [task for task_id, task in kept.items() if task_id not in ids]
        return replace(now, tasks=tuple(tasks))


def _seen_before_all(app: App) -> App:
    """Another process saw its tasks, by times that say nothing here: whoever is at their place now came later."""
    return replace(app, tasks=tuple(replace(task, observed_s=-1.0) for task in app.tasks))
