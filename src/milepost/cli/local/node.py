"""`milepost local node`: the nodes of a running local scheduler, and faults of them."""

from typing import Any

import click

from milepost.cli.console import print_json, print_table
from milepost.cli.local.scheduler import LocalScheduler, scheduler_option
from milepost.cli.options import json_option

_COLOURS = {"up": "green", "stopped": "red", "partitioned": "magenta"}


@click.group()
def node() -> None:
    """Look at the nodes, stop one, cut one off, or bring one back. NODE is an address or its last number."""


@node.command("list")
@json_option
@scheduler_option
def show(scheduler: LocalScheduler, as_json: bool) -> None:
    """All nodes that take tasks."""
    _print(scheduler.nodes(), as_json)


@node.command()
@click.argument("name", metavar="NODE")
@json_option
@scheduler_option
def stop(scheduler: LocalScheduler, name: str, as_json: bool) -> None:
    """The node loses power: its tasks are gone at once, and others replace them elsewhere."""
    _print(scheduler.change_node(name, "stop"), as_json)


@node.command()
@click.argument("name", metavar="NODE")
@json_option
@scheduler_option
def start(scheduler: LocalScheduler, name: str, as_json: bool) -> None:
    """The node is there again, whatever was wrong with it."""
    _print(scheduler.change_node(name, "start"), as_json)


@node.command()
@click.argument("name", metavar="NODE")
@json_option
@scheduler_option
def partition(scheduler: LocalScheduler, name: str, as_json: bool) -> None:
    """The scheduler loses sight of the node: its tasks run on, and their apps' unreachableStrategy decides."""
    _print(scheduler.change_node(name, "partition"), as_json)


def _print(nodes: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(nodes)
    else:
        print_table(("NODE", "STATE", "TASKS", "CPUS", "MEM", "DISK", "PORTS", "ROLE", "ATTRIBUTES"), map(_row, nodes))


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    amounts = [_amount(found, name) for name in ("cpus", "mem", "disk")]
    attributes = " ".join(f"{name}={value}" for name, value in found["attributes"].items())
    ports = f"{found['ports']['first']}-{found['ports']['last']}"
    state = click.style(found["state"], fg=_COLOURS.get(found["state"]))
    return found["address"], state, str(found["tasks"]), *amounts, ports, found["role"], attributes or "-"


def _amount(found: dict[str, Any], name: str) -> str:
    """Used, and of how much."""
    limits = found["limits"]
    return f"{found['used'][name]:g}" + (f"/{limits[name]:g}" if limits else "")
