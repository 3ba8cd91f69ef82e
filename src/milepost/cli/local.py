"""`milepost local`: the embedded scheduler as a process of its own."""

from functools import partial
from pathlib import Path

import anyio
import click

from milepost.cli.signals import until_stopped
from milepost.local.server import serve_local
from milepost.settings.kinds import LISTEN, Listen


@click.command()
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT", help="Where Marathon's API answers."
)
@click.option(
    "--nodes",
    default=3,
    show_default=True,
    type=click.IntRange(1, 250),
    help="How many nodes there are, at loopback addresses of their own.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("milepost-local"),
    show_default=True,
    metavar="DIR",
    help="Where apps and the tasks' files are kept.",
)
def local(listen: str, nodes: int, state: Path) -> None:
    """A Marathon-compatible scheduler on this machine, for development, tests and the demo; until stopped."""
    where = _address(listen)
    anyio.run(until_stopped, partial(serve_local, where.host, where.port, nodes, state))


def _address(text: str) -> Listen:
    try:
        return LISTEN.word(text)
    except ValueError:
        raise click.BadParameter(f"expected {LISTEN.expected}, got {text}", param_hint="--listen") from None
