"""`milepost marathon-lb-entry`: what marathon-lb's container image ran first."""

import logging
import os
import sys
from functools import partial

import anyio
import click

from milepost.compat.container.entry import commands, prepare, run
from milepost.compat.container.startup import Folders, read_startup


@click.command(
    "marathon-lb-entry",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Start as marathon-lb's container image did.",
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def marathon_lb_entry(words: tuple[str, ...]) -> None:
    """sse|poll, then marathon-lb's own flags; the environment is that of its image (docs/marathon-lb.md)."""
    logging.basicConfig(format="%(message)s")
    folders = Folders()
    startup = read_startup(words, os.environ, folders)
    prepare(startup, folders)
    sys.exit(anyio.run(partial(run, startup, folders, *commands())))
