"""`milepost local kill`: end a task of a running local scheduler."""

import click

from milepost.cli.console import print_json, talk
from milepost.cli.local.scheduler import LocalScheduler, scheduler_option
from milepost.cli.options import json_option


@click.command()
@click.argument("name", metavar="TASK|/APP")
@click.option("--crash", is_flag=True, help="Kill its processes behind the scheduler's back: it fails.")
@json_option
@scheduler_option
def kill(scheduler: LocalScheduler, name: str, crash: bool, as_json: bool) -> None:
    """Kill a task as Marathon does: announced, with its grace period, and replaced; of an app (its id begins with a
    slash) the task that was started last. Exit status 2 if there is none."""
    task_id = scheduler.task_named(name)
    if crash:
        scheduler.crash(task_id)
    else:
        scheduler.kill(task_id)
    if as_json:
        print_json({"task": task_id, "crashed": crash})
    else:
        talk(f"{task_id} {'has been made to fail' if crash else 'is being killed'}; another task follows it")
