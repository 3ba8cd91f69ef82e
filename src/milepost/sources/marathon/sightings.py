"""Since when a task is known to be at its place: who was seen there later has the address. Pure."""

from dataclasses import replace
from operator import is_

from milepost.model.snapshot import App, Task


def with_sightings(before: App | None, read: App, seen_s: float) -> App:
    """`read`, with `observed_s` of each task: as in `before` where that has it at the same place, else `seen_s`."""
    known = {task.id: task for task in before.tasks} if before else {}
    tasks = tuple(_seen(known.get(task.id), task, seen_s) for task in read.tasks)
    return read if all(map(is_, tasks, read.tasks)) else replace(read, tasks=tasks)


def _seen(known: Task | None, read: Task, seen_s: float) -> Task:
    stayed = known is not None and known.host == read.host and known.ports == read.ports
    observed_s = known.observed_s if known and stayed else seen_s
    return read if read.observed_s == observed_s else replace(read, observed_s=observed_s)
