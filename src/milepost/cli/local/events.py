"""`milepost local events`: the event stream of a running local scheduler, for reading."""

from typing import Any

import click
import msgspec

from milepost.cli.local.following import quietly
from milepost.cli.local.ps import state
from milepost.cli.local.scheduler import LocalScheduler, scheduler_option
from milepost.cli.options import json_option

_SUBJECTS = ("appId", "runSpecId", "groupId", "remoteAddress")
_DETAILS = ("condition", "taskId", "instanceId", "id", "reason", "message")


@click.command()
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only events of this type. Repeat it for several.")
@click.option("-n", "--count", type=click.IntRange(1), metavar="N", help="End after so many events.")
@json_option
@scheduler_option
def events(scheduler: LocalScheduler, types: tuple[str, ...], count: int | None, as_json: bool) -> None:
    """What happens from now on, a line an event, until stopped; as JSON in full, but for the trees of plans."""
    with quietly(), scheduler.events(types) as stream:
        for number, event in enumerate(stream, start=1):
            click.echo(msgspec.json.encode(event) if as_json else line(event))
            if number == count:
                return


def line(event: dict[str, Any]) -> str:
    """When, what and to whom; then whatever of the event says most."""
    time = event["timestamp"][11:23]
    subject = next((str(event[name]) for name in _SUBJECTS if event.get(name)), "-")
    parts = [click.style(time, dim=True), click.style(event["eventType"], bold=True), subject]
    if "taskStatus" in event:
        where = ":".join([event["host"], *map(str, event["ports"][:1])])
        parts += [state(event["taskStatus"]), where]
    if "alive" in event:
        parts.append(click.style("alive", fg="green") if event["alive"] else click.style("not alive", fg="red"))
    if "currentStep" in event:
        parts += [f"{action['action']} {action['app']}" for action in event["currentStep"]["actions"]]
    return " ".join([*parts, *(str(event[name]) for name in _DETAILS if event.get(name))])
