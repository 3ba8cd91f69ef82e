"""Bad news: what an event alone says against a task, laid over what was last read. Pure.

An event only ever takes a task out. A read that began after the event was heard corrects it, one that began
before never does (`picture.py`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from milepost.model.snapshot import App, Task

ENDING_STATES = frozenset(
    {
        "TASK_KILLING",
        "TASK_FINISHED",
        "TASK_FAILED",
        "TASK_KILLED",
        "TASK_ERROR",
        "TASK_DROPPED",
        "TASK_GONE",
        "TASK_GONE_BY_OPERATOR",
        "TASK_UNKNOWN",
    }
)
"""States in which a task takes no traffic any more. A LOST or UNREACHABLE one may be back: only its agent is away."""

_OLD_INSTANCE = re.compile(r"(?P<app>.+)\.(?:marathon|instance)-(?P<uuid>[^.]+)")


@dataclass(frozen=True, slots=True)
class News:
    """What an event said of the task or instance `ref`: its ending `state`, or "" for a failed health check.

    `heard_s` is in seconds of the process's monotonic clock.
    """

    ref: str
    state: str
    event: str
    heard_s: float


def with_news(app: App, news: Iterable[News]) -> App:
    """`app` with `news` laid over its tasks. Gives `app` itself where that changes nothing."""
    checks = len(app.definition.health_checks)
    tasks = tuple(reduce(lambda task, item: _told(task, item, checks), news, task) for task in app.tasks)
    return app if tasks == app.tasks else replace(app, tasks=tasks)


def _told(task: Task, news: News, checks: int) -> Task:
    """A failed check speaks for the task only where it is the one check; with several the read has to tell."""
    if not is_of(task.id, news.ref) or task.state in ENDING_STATES:
        return task
    read = task.read or (task.state, task.health)
    if news.state:
        return replace(task, state=news.state, unconfirmed=news.event, read=read)
    if checks == 1 and task.health != (False,):
        return replace(task, health=(False,), unconfirmed=news.event, read=read)
    return task


def is_of(task_id: str, ref: str) -> bool:
    """Whether `ref`, a task's or an instance's id, means this task (marathon-api.md 9.2).

    From 1.8 on a task's id is its instance's with `._app.1` behind; before, instance `web.marathon-<uuid>` or
    `web.instance-<uuid>` ran task `web.<uuid>`.
    """
    if task_id == ref or task_id.startswith(ref + "."):
        return True
    old = _OLD_INSTANCE.fullmatch(ref)
    return old is not None and task_id == f"{old['app']}.{old['uuid']}"
