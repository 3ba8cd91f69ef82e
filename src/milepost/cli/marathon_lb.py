"""`milepost marathon-lb`: marathon-lb's own flags, which are not read as milepost's are."""

import sys

import click

from milepost.compat.marathon_lb.command import run


@click.command(
    "marathon-lb",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
    short_help="Take marathon-lb's command line in its place.",
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def marathon_lb(words: tuple[str, ...]) -> None:
    """Take marathon-lb's command line in its place; see `milepost marathon-lb --help`."""
    sys.exit(run(words, "milepost marathon-lb"))
