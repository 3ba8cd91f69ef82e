"""News: what an event alone says of a task, laid over what was last read. Pure.

An event only ever takes a task out: the one that it is about, or one that was where a new task is now. A read that
began after the event was heard corrects it, one that began before never does (`picture.py`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from milepost.model.snapshot import App, NetworkMode, Task
from milepost.sources.addresses import literal

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
    """What an event said of the task or instance `ref`: its `state`, or "" for a failed health check.

    With `host` and `ports` it is no bad news for the task, but for whoever was there. `heard_s` is in seconds of the
    process's monotonic clock, `sent_at` Marathon's time of the event, written as `Task.staged_at`.
    """

    ref: str
    state: str
    event: str
    heard_s: float
    host: str = ""
    ports: tuple[int, ...] = ()
    sent_at: str = ""

    @property
    def is_bad(self) -> bool:
        return not self.host


def with_news(app: App, news: Iterable[News]) -> App:
    """`app` with `news` laid over its tasks. Gives `app` itself where that changes nothing."""
    checks = len(app.definition.health_checks)
    tasks = reduce(lambda known, item: _all_told(known, item, app, checks), news, app.tasks)
    return app if tasks == app.tasks else replace(app, tasks=tasks)


def _all_told(tasks: tuple[Task, ...], news: News, app: App, checks: int) -> tuple[Task, ...]:
    if news.is_bad:
        return tuple(_told(task, news, checks) for task in tasks)
    is_elsewhere = app.definition.network is NetworkMode.CONTAINER or app.definition.is_pod  # that is a container's id
    if is_elsewhere or any(is_of(task.id, news.ref) for task in tasks):
        return tasks
    return (*tasks, _launched(news))


def _launched(news: News) -> Task:
    """A task that no read has shown yet: it gets no traffic, but where it is, no other task is any more."""
    return Task(
        id=news.ref,
        host=news.host,
        address=literal(news.host),
        ports=news.ports,
        state=news.state,
        unconfirmed=news.event,
        staged_at=news.sent_at,
        observed_s=news.heard_s,
    )


def _told(task: Task, news: News, checks: int) -> Task:
    """A failed check speaks for the task only where it is the one check; with several the read has to tell."""
    if not is_of(task.id, news.ref) or task.state in ENDING_STATES:
        return task
    read = task.read if task.unconfirmed else (task.state, task.health)
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
