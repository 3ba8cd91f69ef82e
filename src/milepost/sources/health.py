"""The memory of health results: after a change of leader Marathon has none for a while. Pure."""

from dataclasses import replace

from milepost.model.snapshot import App, Snapshot, Task


def carry_health(before: Snapshot, after: Snapshot) -> Snapshot:
    """`after`, in which each task without results member keeps the flags it had in `before`.

    An answer that has the member, even an empty one, is news and stands (marathon-lb-behaviour.md 9.6).
    """
    apps = {app_id: carry_app_health(before.apps.get(app_id), app) for app_id, app in after.apps.items()}
    return replace(after, apps=apps)


def carry_app_health(before: App | None, after: App) -> App:
    """As `carry_health`, for one app. Gives `after` itself where nothing is to be carried."""
    if before is None or all(task.health is not None for task in after.tasks):
        return after
    known = {task.id: task.health for task in before.tasks if task.health is not None}
    if not known:
        return after
    return replace(after, tasks=tuple(_remember(task, known.get(task.id)) for task in after.tasks))


def _remember(task: Task, known: tuple[bool, ...] | None) -> Task:
    return replace(task, health=known) if task.health is None and known is not None else task
