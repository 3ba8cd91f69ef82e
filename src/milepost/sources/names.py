"""Agent names and their addresses, on the values. Pure; who looks them up is in `resolver.py`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from milepost.model.snapshot import App, NetworkMode, Task
from milepost.sources.addresses import is_dns_name, literal


def names_in(apps: Iterable[App]) -> frozenset[str]:
    """The agent names that tasks of `apps` need an address for."""
    return frozenset(task.host for app in apps for task in app.tasks if _needs_name(app, task))


def addresses_in(apps: Iterable[App]) -> Mapping[str, str]:
    """The addresses that tasks of `apps` have for the names of their agents."""
    tasks = (task for app in apps for task in app.tasks if _needs_name(app, task))
    return {task.host: task.address for task in tasks if task.address is not None}


def with_addresses(app: App, addresses: Mapping[str, str]) -> App:
    """`app`, with the address of each task on a named agent as in `addresses`, None where it is not there.

    Gives `app` itself where nothing changes.
    """
    tasks = tuple(_located(app, task, addresses) for task in app.tasks)
    return app if tasks == app.tasks else replace(app, tasks=tasks)


def _located(app: App, task: Task, addresses: Mapping[str, str]) -> Task:
    if not _needs_name(app, task) or task.address == addresses.get(task.host):
        return task
    return replace(task, address=addresses.get(task.host))


def _needs_name(app: App, task: Task) -> bool:
    return (
        app.definition.network is not NetworkMode.CONTAINER
        and bool(task.host)
        and literal(task.host) is None
        and is_dns_name(task.host)
    )
