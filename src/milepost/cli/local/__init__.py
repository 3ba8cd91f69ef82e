"""`milepost local`: the embedded scheduler as a process of its own, and commands that look at one that runs."""

from functools import partial
from pathlib import Path

import anyio
import click
from click.core import ParameterSource

from milepost.cli.console import talk
from milepost.cli.local.deployments import deployments
from milepost.cli.local.events import events
from milepost.cli.local.logs import logs
from milepost.cli.local.ps import ps
from milepost.controller.signals import until_stopped
from milepost.local.server import MAX_NODES, serve_local
from milepost.observability.logs import set_up_logs
from milepost.settings.kinds import LISTEN, Listen


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
    help="Where apps are kept, to come back after a restart. Without it nothing is kept.",
)
@click.pass_context
def local(ctx: click.Context, listen: str, nodes: int, state: Path | None) -> None:
    """A Marathon-compatible scheduler on this machine, for development, tests and the demo; until stopped.

    It runs apps as processes of this user: whoever reaches its API can run commands here. The commands below speak to
    one that runs already.
    """
    if ctx.invoked_subcommand:
        _refuse_options(ctx)
        return
    set_up_logs()
    where = _address(listen)
    serve = partial(serve_local, where.host, where.port, nodes=nodes, state_dir=state, started=_tell)
    anyio.run(until_stopped, serve)


for _command in (ps, logs, deployments, events):
    local.add_command(_command)


def _refuse_options(ctx: click.Context) -> None:
    """An option of the scheduler itself would mean nothing to a command that only asks it."""
    for name in ctx.params:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} starts a scheduler; {ctx.invoked_subcommand} asks one that runs (--url)")


def _tell(url: str) -> None:
    talk(f"Marathon's API answers at {url}")


def _address(text: str) -> Listen:
    try:
        return LISTEN.word(text)
    except ValueError:
        raise click.BadParameter(f"expected {LISTEN.expected}, got {text}", param_hint="--listen") from None
