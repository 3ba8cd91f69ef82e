"""Two colours of one app become one app, so that a deployment moves traffic from one to the other. Pure.

The rule is marathon-lb's (marathon-lb-behaviour.md 18). What differs outside the exact profile: a new task counts only
once it can serve, whether its app has health checks or not; and the order of the answer plays no role.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial, reduce

from milepost.model.problem import Problem
from milepost.model.routing import Dropped
from milepost.model.snapshot import App, AppDefinition, Task
from milepost.model.source_name import prefix_of
from milepost.routing import deployment_labels as table
from milepost.routing.endpoints import why_not
from milepost.routing.grammar import Wrong
from milepost.routing.label import Label, T, problem_with, read
from milepost.routing.policy import Policy

_SCALED = "versionInfo.lastScalingAt"


@dataclass(frozen=True, slots=True)
class Merged:
    """The apps of one deployment group as one.

    `app` has the id of the group, the definition of the oldest colour and the tasks of all. `leader` is the id of the
    app whose definition that is, `members` are the ids of all that take part. `owners` gives the app id of each task,
    `drained` are the ids of the tasks from which traffic is taken. `dropped` tells of apps that take no part.
    """

    app: App
    leader: str
    members: tuple[str, ...]
    owners: Mapping[str, str]
    drained: frozenset[str] = frozenset()
    dropped: tuple[Dropped, ...] = ()


def group_id(definition: AppDefinition) -> str:
    """The id under which the app is served together with others of its source, "" where it is served by itself."""
    found = read(table.GROUP, definition.labels, None, exact=True)
    return prefix_of(definition.id) + found if isinstance(found, str) and found else ""


def merge(group: str, apps: Sequence[App], policy: Policy) -> Merged:
    """The apps of one group as one. An app that cannot be compared with the others is left out (its Q12)."""
    members = list(apps) if policy.exact else sorted(apps, key=lambda app: app.id)
    problems: list[Problem] = []
    while True:
        try:
            whole = reduce(partial(_joined, policy=policy), map(_Colour.of, members))
        except _Misfit as misfit:
            problems.append(misfit.problem)
            members = [app for app in members if app.id != misfit.problem.app_id]
        else:
            return _merged(group, members, whole, problems)


@dataclass(frozen=True, slots=True)
class _Colour:
    """An app with the tasks of those that were merged into it, as far as they do not go by themselves."""

    app: App
    tasks: tuple[Task, ...]
    drained: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, app: App) -> "_Colour":
        return cls(app, app.tasks)


class _Misfit(Exception):
    """An app that cannot be compared with those of its group."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _merged(group: str, members: Sequence[App], whole: _Colour, problems: Iterable[Problem]) -> Merged:
    leader = whole.app
    definition = replace(leader.definition, id=group)
    told = (*(problem for app in members for problem in app.problems), *problems)
    return Merged(
        app=App(definition, whole.tasks, leader.instances, leader.version, told),
        leader=leader.id,
        members=tuple(app.id for app in members),
        owners={task.id: app.id for app in members for task in app.tasks},
        drained=whole.drained,
        dropped=tuple(Dropped(one.app_id, "", None, f"{one.subject}: {one.message}") for one in problems),
    )


def _joined(earlier: _Colour, later: _Colour, policy: Policy) -> _Colour:
    """`earlier` and `later` in the order of the answer: on a tie the first of them is the new one (its Q38)."""
    old, new = (earlier, later) if _is_older(earlier.app, later.app) else (later, earlier)
    target = 1
    if _has(table.NEW_INSTANCES, new.app):
        if _scaled_at(old.app) > _scaled_at(new.app):
            old, new = new, old
        target = _needed(table.TARGET_INSTANCES, new.app)
    elif policy.deployment_target and _has(table.TARGET_INSTANCES, new.app):
        target = _needed(table.TARGET_INSTANCES, new.app)
    healthy = _healthy(old.app, new, later.app, policy)
    most = max(0, healthy + old.app.instances - target)
    tasks = sorted(old.tasks, key=lambda task: task.id)
    drained = (task.id for task in tasks[: min(healthy, most)])
    return _Colour(old.app, (*tasks, *new.tasks), old.drained | new.drained | frozenset(drained))


def _is_older(app: App, other: App) -> bool:
    """Whether `app` began before `other`. Without a date it began before any that has one."""
    date, other_date = _started_at(app), _started_at(other)
    if date is None or other_date is None:
        return date is None and other_date is not None
    try:
        return date < other_date
    except TypeError:
        message = f"one of its dates has a time zone and one has none: cannot be compared with {app.id}"
        raise _Misfit(Problem(other.id, table.STARTED_AT.key(None), message)) from None


def _started_at(app: App) -> datetime | None:
    return _needed(table.STARTED_AT, app) if _has(table.STARTED_AT, app) else None


def _scaled_at(app: App) -> str:
    """When it was last scaled: in UTC and ISO 8601, so that the later one is greater as a text."""
    if not app.last_scaling_at:
        raise _Misfit(Problem(app.id, "app", f"has no {_SCALED}: cannot be compared with the others of its group"))
    return app.last_scaling_at


def _healthy(old: App, new: _Colour, later: App, policy: Policy) -> int:
    """How many tasks have come that the old ones may make room for.

    They have to serve by what the new colour asks of them, and by the definition of the old one, which is obeyed.
    """
    if not policy.exact:
        checking = replace(policy, health_check=True)
        return sum(not (why_not(task, new.app, checking) or why_not(task, old, checking)) for task in new.tasks)
    if later.definition.health_checks:
        return sum(any(task.health or ()) for task in new.tasks)
    return new.app.instances


def _has(label: Label[T], app: App) -> bool:
    return label.key(None) in app.definition.labels


def _needed(label: Label[T], app: App) -> T:
    labels = app.definition.labels
    found = read(label, labels, None, exact=True)
    if isinstance(found, Wrong):
        raise _Misfit(problem_with(app.id, label, None, labels, found))
    if found is None:
        message = f"is missing, and {table.NEW_INSTANCES.key(None)} asks for it"
        raise _Misfit(Problem(app.id, label.key(None), message))
    return found
