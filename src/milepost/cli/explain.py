"""`milepost explain APP`: why an app is or is not reachable, from label to running server."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from milepost.cli.console import age, counted, print_json, severity
from milepost.cli.options import READING, json_option, settings_of
from milepost.cli.snapshot import health
from milepost.cli.stage import open_stages, stage_options
from milepost.controller.explain import Explanation, PortExplained, TaskExplained, problem_text
from milepost.model.problem import Problem
from milepost.model.source_name import known_id


@click.command()
@click.argument("app")
@json_option
@stage_options(*READING)
def explain(app: str, apps: Path | None, config: Path | None, as_json: bool, **options: Any) -> None:
    """Why APP is or is not reachable: for each port and task what was seen, left out and why, and where it is routed.

    Server states of the live proxy are told where the running milepost is asked (without --apps and --marathon).
    """
    explanation = open_stages(apps, settings_of(config, options), options).explain(known_id(app))
    if as_json:
        print_json(explanation)
        return
    for line in explanation_lines(explanation, time.time()):
        click.echo(line)


def explanation_lines(told: Explanation, now_s: float) -> Iterator[str]:
    """The explanation as a text of several lines, coloured. `now_s` is the Unix time."""
    yield click.style(told.app_id, bold=True)
    yield f"  seen      in {told.source}, read {age(max(0.0, now_s - told.read_at_s))} ago"
    yield f"  selected  {_yes('yes') if told.selected else _no('no')}"
    if told.served_as:
        yield f"  served    as {told.served_as}, with the other apps of this deployment group"
    yield from _reasons(told.reasons)
    for label in told.labels:
        yield f"  label     {label.name} = {label.value}" + (f"  {_note(label.problem)}" if label.problem else "")
    for problem in _told_nowhere_else(told):
        yield f"  {severity(problem)}     {problem_text(problem)}"
    for port in told.ports:
        yield from _port_lines(port)
    if not told.tasks:
        yield f"  task      {_no('none')} ({counted(told.instances, 'instance')} wanted)"
    for task in told.tasks:
        yield from _task_lines(task)


def _told_nowhere_else(told: Explanation) -> list[Problem]:
    """Problems that belong to no label and to no port."""
    labels = {label.name for label in told.labels}
    reasons = {reason for port in told.ports for reason in port.reasons}
    return [
        problem for problem in told.problems if problem.subject not in labels and problem_text(problem) not in reasons
    ]


def _port_lines(port: PortExplained) -> Iterator[str]:
    yield click.style(f"  port {port.index}", bold=True) + f"    service port {port.service_port or 'none'}"
    if port.service:
        yield f"    routed  to {_yes(port.service)} ({port.mode}, {port.balance})"
        for way in _ways(port):
            yield f"    at      {way}"
    else:
        yield f"    routed  {_no('no')}"
    yield from _reasons(port.reasons, "but" if port.service else "because")


def _ways(port: PortExplained) -> Iterator[str]:
    """The addresses that lead to a port's service."""
    if port.listen:
        address, _, number = port.listen.rpartition(":")
        yield f"port {number}" if address == "*" else port.listen
    path = f", path {' '.join(port.path)}" if port.path else ""
    for host in port.hosts:
        yield f"host {host}{path}"
    if port.by_app_id:
        yield "the app's id on the app-id port"


def _task_lines(task: TaskExplained) -> Iterator[str]:
    where = task.host if task.host == task.address else f"{task.host or '-'} ({task.address or 'no address'})"
    yield click.style(f"  task {task.id}", bold=True)
    yield f"    on      {where}, ports {', '.join(map(str, task.ports)) or 'none'}"
    unconfirmed = f", from the event {task.unconfirmed} alone" if task.unconfirmed else ""
    yield f"    seen    {task.state or 'no state'}, health {health(task.health)}{unconfirmed}"
    for server in task.servers:
        yield f"    serves  {server.service} at {server.address}" + (f": {server.state}" if server.state else "")
    if not task.servers:
        yield f"    serves  {_no('nothing')}"
    yield from _reasons(task.reasons)


def _reasons(reasons: tuple[str, ...], word: str = "because") -> Iterator[str]:
    for reason in reasons:
        yield f"    {word:<7} {_note(reason)}"


def _yes(text: str) -> str:
    return click.style(text, fg="green")


def _no(text: str) -> str:
    return click.style(text, fg="red")


def _note(text: str) -> str:
    return click.style(text, fg="yellow")
