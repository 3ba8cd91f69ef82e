"""`milepost local ps`: the tasks of a running local scheduler."""

from typing import Any

import click

from milepost.cli.console import counted, print_json, print_table, talk
from milepost.cli.local.scheduler import LocalScheduler, Unknown, scheduler_option
from milepost.cli.options import json_option

COLOURS = {"TASK_RUNNING": "green", "TASK_STAGING": "yellow", "TASK_KILLING": "yellow", "TASK_UNREACHABLE": "magenta"}
HEALTH_COLOURS = {"healthy": "green", "unhealthy": "red"}


@click.command()
@click.argument("app_id", metavar="[APP]", default="")
@json_option
@scheduler_option
def ps(scheduler: LocalScheduler, app_id: str, as_json: bool) -> None:
    """The tasks: app, state, health, where each runs; and what waits for a place. Exit status 2 if APP has none."""
    found = [task for task in scheduler.tasks() if not app_id or task["appId"] == f"/{app_id.strip('/')}"]
    waiting = scheduler.waiting(f"/{app_id.strip('/')}" if app_id else "")
    if app_id and not found and not waiting:
        raise Unknown(f"app /{app_id.strip('/')} has no task at {scheduler.url}")
    if as_json:
        print_json(found)
    elif found:
        print_table(("APP", "STATE", "HEALTH", "NODE", "PORTS", "SINCE", "TASK"), map(_row, found))
    else:
        talk("there are no tasks")
    if not as_json:
        for item in waiting:
            talk(_wait(item))


def state(word: str) -> str:
    """`TASK_RUNNING` as `running` in its colour; failures are red."""
    return click.style(word.removeprefix("TASK_").lower(), fg=COLOURS.get(word, "red"))


def _wait(item: dict[str, Any]) -> str:
    """An entry of the queue, and why it is there."""
    declined = [each for each in item["processedOffersSummary"]["rejectSummaryLastOffers"] if each["declined"]]
    why = ", ".join(f"{each['reason']} on {counted(each['declined'], 'node')}" for each in declined)
    if item["delay"]["timeLeftSeconds"] and not declined:
        why = f"the next launch is in {item['delay']['timeLeftSeconds']} s, as earlier ones failed"
    return f"{item['app']['id']} waits for {counted(item['count'], 'task')}{': ' if why else ''}{why}"


def _row(task: dict[str, Any]) -> tuple[str, ...]:
    health = _health(task)
    ports = ",".join(map(str, task["ports"])) or "-"
    since = task.get("startedAt") or task.get("stagedAt") or "-"
    shown = click.style(health, fg=HEALTH_COLOURS.get(health))
    return task["appId"], state(task["state"]), shown, task["host"], ports, since, task["id"]


def _health(task: dict[str, Any]) -> str:
    """A dash while no check has a result."""
    results = task["healthCheckResults"]
    if not results:
        return "-"
    return "healthy" if all(each["alive"] for each in results) else "unhealthy"
