"""`milepost snapshot`: what the scheduler says, before milepost decides anything."""

import time
from pathlib import Path
from typing import Any

import click

from milepost.cli.console import age, counted, print_json, print_table, talk
from milepost.cli.options import READING, json_option, settings_of
from milepost.cli.stage import open_stages, stage_options
from milepost.controller.secrets import without_secrets
from milepost.model.snapshot import App, Snapshot


@click.command()
@json_option
@stage_options(*READING)
def snapshot(apps: Path | None, config: Path | None, as_json: bool, **options: Any) -> None:
    """What the scheduler says: apps, their ports and tasks."""
    seen = open_stages(apps, settings_of(config, options), options).snapshot()
    if as_json:
        print_json(without_secrets(seen))
    else:
        _print(seen)


def _print(seen: Snapshot) -> None:
    talk(f"{counted(len(seen.apps), 'app')} of {seen.source}, read {age(max(0.0, time.time() - seen.read_at_s))} ago")
    print_table(
        ("APP", "NETWORK", "SERVICE PORTS", "STATE", "HEALTH", "ADDRESS", "TASK"),
        (row for app in seen.apps.values() for row in _rows(app)),
    )


def _rows(app: App) -> list[tuple[object, ...]]:
    ports = ",".join(str(port.service_port or "-") for port in app.definition.ports) or "-"
    first = (app.id, app.definition.network, ports)
    tasks = [
        (task.state or "-", health(task.health), f"{task.address or task.host or '-'}:{_list(task.ports)}", task.id)
        for task in app.tasks
    ]
    return [(*first, *task) for task in tasks or [("-", "-", "-", "-")]]


def health(results: tuple[bool, ...] | None) -> str:
    """Marathon's health results in a word."""
    if not results:
        return "-"
    return "alive" if all(results) else "not alive"


def _list(ports: tuple[int, ...]) -> str:
    return ",".join(map(str, ports)) or "-"
