"""`milepost local fault`: let tasks of a running local scheduler, or its API, have faults."""

from typing import Any

import click

from milepost.cli.console import print_json, print_table, talk
from milepost.cli.local.scheduler import LocalScheduler, scheduler_option
from milepost.cli.options import json_option

_SECONDS = click.FloatRange(0, 3600)
_for_seconds = click.option(
    "--seconds", type=_SECONDS, default=5.0, show_default=True, metavar="N", help="For how long."
)


@click.group()
def fault() -> None:
    """Let tasks start slowly or be unhealthy, until that is cleared; or let Marathon be away for a while."""


@fault.command("list")
@json_option
@scheduler_option
def show(scheduler: LocalScheduler, as_json: bool) -> None:
    """The faults of tasks that there are."""
    _print(scheduler.faults(), as_json)


@fault.command("slow-start")
@click.argument("app_id", metavar="APP")
@click.argument("seconds", type=_SECONDS)
@click.option("--running", is_flag=True, help="It is TASK_RUNNING meanwhile, though nothing answers.")
@json_option
@scheduler_option
def slow_start(scheduler: LocalScheduler, app_id: str, seconds: float, running: bool, as_json: bool) -> None:
    """Every task that the app gets from now on begins SECONDS late: it is TASK_STAGING meanwhile."""
    _print(scheduler.make_fault("slow-start", app=app_id, seconds=seconds, runs=running), as_json)


@fault.command()
@click.argument("name", metavar="TASK|/APP")
@json_option
@scheduler_option
def unhealthy(scheduler: LocalScheduler, name: str, as_json: bool) -> None:
    """The health checks of a task, or of all tasks of an app, fail, the next ones at once."""
    _print(scheduler.make_fault("unhealthy", of=name), as_json)


@fault.command()
@click.argument("name", metavar="[TASK|/APP]", default="")
@json_option
@scheduler_option
def clear(scheduler: LocalScheduler, name: str, as_json: bool) -> None:
    """End the faults of a task or an app, without a name all. Exit status 2 if it has none."""
    _print(scheduler.clear_faults(name or None), as_json)


@fault.command()
@_for_seconds
@json_option
@scheduler_option
def restart(scheduler: LocalScheduler, seconds: float, as_json: bool) -> None:
    """Marathon is away, as while it restarts: event streams are cut, connections refused; tasks run on."""
    _tell(scheduler.make_outage("restart", seconds), as_json, f"the API is away and comes back after {seconds:g} s")


@fault.command()
@_for_seconds
@json_option
@scheduler_option
def leader(scheduler: LocalScheduler, seconds: float, as_json: bool) -> None:
    """Marathon has no leader: event streams are cut, all else is answered with 502; tasks run on."""
    _tell(scheduler.make_outage("leader", seconds), as_json, f"there is no leader for {seconds:g} s")


def _tell(outage: dict[str, Any], as_json: bool, words: str) -> None:
    if as_json:
        print_json(outage)
    else:
        talk(words)


def _print(faults: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(faults)
    elif faults:
        print_table(("FAULT", "OF", "HOW"), map(_row, faults))
    else:
        talk("there are no faults")


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    how = f"{found['meanwhile']} for {found['seconds']:g} s" if "seconds" in found else "its health checks fail"
    return found["fault"], found["of"], how
