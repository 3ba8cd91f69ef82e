"""Which tasks of a running deployment are not ready yet. Pure.

Marathon asks only tasks that a deployment started, and forgets the answers when it ends (marathon-api.md 5.6).
"""

from dataclasses import replace
from operator import is_

from milepost.model.snapshot import App, Task


def with_readiness(before: App | None, read: App, seen_s: float) -> App:
    """`read`, in which also tasks wait of which Marathon has no answer yet. `before` is what was known of the app.

    Those are the ones that were not there, or did not run, at an earlier read: between its start and the first answer a
    task would get traffic else. In the first read of all (`seen_s` 0) nobody can tell, and they serve.
    """
    if not read.is_deploying:
        return read
    known = {task.id: task for task in before.tasks} if before else {}
    tasks = tuple(_judged(known.get(task.id), task, seen_s) for task in read.tasks)
    return read if all(map(is_, tasks, read.tasks)) else replace(read, tasks=tasks)


def _judged(known: Task | None, read: Task, seen_s: float) -> Task:
    if read.is_ready is not None:
        return read
    if known is not None and _has_run(known):
        return read if known.is_ready is None else replace(read, is_ready=known.is_ready)
    return read if seen_s == 0.0 else replace(read, is_ready=False)


def _has_run(task: Task) -> bool:
    """Whether a read has shown it running; an event alone has not."""
    state, _ = task.read or ("" if task.unconfirmed else task.state, None)
    return state == "TASK_RUNNING"
