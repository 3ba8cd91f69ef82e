"""What earlier reads of a task tell: since when it is at its place, and whether it was ever alive. Pure."""

from dataclasses import replace
from operator import is_

from milepost.model.snapshot import App, Task


def with_sightings(before: App | None, read: App, seen_s: float) -> App:
    """`read`, with `observed_s` and `was_alive` of each task.

    The first is that of `before` where that has the task at the same place, and never later than `seen_s`.
    """
    known = {task.id: task for task in before.tasks} if before else {}
    tasks = tuple(_seen(known.get(task.id), task, seen_s) for task in read.tasks)
    return read if all(map(is_, tasks, read.tasks)) else replace(read, tasks=tasks)


def _seen(known: Task | None, read: Task, seen_s: float) -> Task:
    stayed = known is not None and known.host == read.host and known.ports == read.ports
    observed_s = min(known.observed_s, seen_s) if known and stayed else seen_s  # another process's clock is no clock
    was_alive = known is not None and known.has_been_alive and not any(read.health or ())
    if (read.observed_s, read.was_alive) == (observed_s, was_alive):
        return read
    return replace(read, observed_s=observed_s, was_alive=was_alive)
