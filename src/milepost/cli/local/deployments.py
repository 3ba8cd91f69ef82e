"""`milepost local deployments`: what a running local scheduler is changing."""

import sys
from typing import Any

import click
import msgspec

from milepost.cli.console import print_json, print_table, talk
from milepost.cli.local.events import line
from milepost.cli.local.following import quietly
from milepost.cli.local.scheduler import LocalScheduler, scheduler_option
from milepost.cli.options import json_option

_ENDS = ("deployment_success", "deployment_failed")
_TYPES = ("deployment_info", "deployment_step_success", *_ENDS)


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on until these are done; exit status 1 if one of them failed.")
@json_option
@scheduler_option
def deployments(scheduler: LocalScheduler, follow: bool, as_json: bool) -> None:
    """The deployments under way: their apps, the step each is at, and what it does there."""
    if not follow:
        _print(scheduler.deployments(), as_json)
        return
    failed = False
    with quietly(), scheduler.events(_TYPES) as stream:
        found = scheduler.deployments()
        _print(found, as_json)
        left = {each["id"] for each in found}
        while left:
            event = next(stream)
            click.echo(msgspec.json.encode(event) if as_json else line(event))
            if event["eventType"] in _ENDS and event["id"] in left:
                left.remove(event["id"])
                failed = failed or event["eventType"] == "deployment_failed"
        sys.exit(1 if failed else 0)


def _print(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found:
        print_table(("DEPLOYMENT", "APPS", "STEP", "DOES", "VERSION"), map(_row, found))
    else:
        talk("nothing is being deployed")


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    does = ", ".join(sorted({action["action"] for action in found["currentActions"]})) or "-"
    step = f"{found['currentStep']}/{found['totalSteps']}"
    return found["id"], " ".join(found["affectedApps"]), step, does, found["version"]
