"""`milepost local`: the embedded scheduler as a process of its own, and commands that look at one that runs."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click
from click.core import ParameterSource

from milepost.cli.console import talk
from milepost.cli.local.deployments import deployments
from milepost.cli.local.events import events
from milepost.cli.local.fault import fault
from milepost.cli.local.kill import kill
from milepost.cli.local.logs import logs
from milepost.cli.local.node import node
from milepost.cli.local.ps import ps
from milepost.controller.signals import until_stopped
from milepost.local.open_files import allow_open_files
from milepost.local.runtimes.docker.where import AUTO
from milepost.local.scheduler.nodes import UNLIMITED, Equipment, Resources
from milepost.local.server import MAX_NODES, serve_local
from milepost.observability.logs import set_up_logs
from milepost.settings.kinds import LISTEN, Listen

MAX_PORT = 65535


def _amount(_ctx: click.Context, param: click.Parameter, amount: float | None) -> float | None:
    if amount is not None and not 0 <= amount <= UNLIMITED:  # NaN is not either
        raise click.BadParameter(f"expected a number from 0 on, got {amount:g}", param=param)
    return amount


@click.group(invoke_without_command=True, short_help="A Marathon-compatible scheduler on this machine.")
@click.option(
    "--listen",
    default="127.0.0.1:8080",
    show_default=True,
    metavar="HOST:PORT",
    help="Where Marathon's API answers; port 0 takes any free one.",
)
@click.option(
    "--nodes",
    default=3,
    show_default=True,
    type=click.IntRange(1, MAX_NODES),
    help="How many nodes there are, each at a loopback address of its own. The first is the balancer's.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where apps, groups and deployments are kept over a restart. Without it nothing is kept.",
)
@click.option(
    "--keep-tasks",
    is_flag=True,
    help="Tasks outlive the scheduler: the next one with this --state and this option goes on with them.",
)
@click.option(
    "--cpus", type=float, callback=_amount, metavar="N", help="CPUs of each node. Without it there is no limit."
)
@click.option("--mem", type=float, callback=_amount, metavar="MIB", help="Memory of each node, without it unlimited.")
@click.option("--disk", type=float, callback=_amount, metavar="MIB", help="Disk of each node, without it unlimited.")
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=VALUE,...",
    help="An attribute of the nodes, for constraints: its values go to those that take tasks, in turn. Repeatable.",
)
@click.option(
    "--ports",
    default="31000-32000",
    show_default=True,
    metavar="FIRST-LAST,...",
    callback=lambda _ctx, _param, text: tuple(map(_port_range, text.split(","))),
    help="The host ports of the nodes that take tasks, in turn.",
)
@click.option(
    "--roles",
    default="*",
    show_default=True,
    metavar="ROLE,...",
    callback=lambda _ctx, _param, text: tuple(text.split(",")),
    help="Whom the nodes that take tasks are for, in turn: apps with that in acceptedResourceRoles, * for all others.",
)
@click.option(
    "--docker",
    default=AUTO,
    show_default=True,
    metavar="auto|off|SOCKET",
    help="What runs images: the Docker engine of DOCKER_HOST or of its usual socket if it answers, none but the image "
    "catalogue, or the engine at a socket.",
)
@click.pass_context
def local(
    ctx: click.Context, /, listen: str, nodes: int, state: Path | None, keep_tasks: bool, docker: str, **equipment: Any
) -> None:
    """A Marathon-compatible scheduler on this machine, for development, tests and the demo; until stopped.

    It runs apps as processes of this user: whoever reaches its API can run commands here. The commands below speak to
    one that runs already.
    """
    if ctx.invoked_subcommand:
        _refuse_options(ctx)
        return
    if keep_tasks and state is None:
        raise click.UsageError("--keep-tasks needs --state: the next scheduler finds the tasks there")
    where, nodes_have = _address(listen), _equipment(**equipment)
    set_up_logs()
    allow_open_files()
    serve = partial(
        serve_local,
        where.host,
        where.port,
        nodes=nodes,
        state_dir=state,
        keeps_tasks=keep_tasks,
        equipment=nodes_have,
        docker=docker,
        started=_tell,
    )
    anyio.run(until_stopped, serve)


for _command in (ps, logs, deployments, events, node, kill, fault):
    local.add_command(_command)


def _refuse_options(ctx: click.Context) -> None:
    """An option of the scheduler itself would mean nothing to a command that only asks it."""
    for option in ctx.command.params:
        if option.name and ctx.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            asking = f"{ctx.invoked_subcommand} asks one that runs (--url)"
            raise click.UsageError(f"{option.opts[0]} starts a scheduler; {asking}")


def _equipment(
    cpus: float | None,
    mem: float | None,
    disk: float | None,
    attributes: tuple[str, ...],
    ports: tuple[range, ...],
    roles: tuple[str, ...],
) -> Equipment:
    amounts = Resources.of(*(UNLIMITED if each is None else each for each in (cpus, mem, disk)))
    return Equipment(amounts, dict(map(_attribute, attributes)), ports, roles)


def _port_range(text: str) -> range:
    found = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", text)
    ports = range(int(found[1]), int(found[2]) + 1) if found else range(0)
    if not ports or ports[0] < 1 or ports[-1] > MAX_PORT:
        raise click.BadParameter(f"expected FIRST-LAST,... within 1 to {MAX_PORT}, got {text}", param_hint="--ports")
    return ports


def _attribute(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, values = text.partition("=")
    if not name or not all(values.split(",")):
        raise click.BadParameter(f"expected NAME=VALUE,..., got {text}", param_hint="--attribute")
    return name, tuple(values.split(","))


def _tell(url: str) -> None:
    talk(f"Marathon's API answers at {url}")


def _address(text: str) -> Listen:
    try:
        return LISTEN.word(text)
    except ValueError:
        raise click.BadParameter(f"expected {LISTEN.expected}, got {text}", param_hint="--listen") from None
