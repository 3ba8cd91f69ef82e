"""`milepost zdd`: the flags of marathon-lb's deployment tool, which are not read as milepost's are."""

import sys

import click

from milepost.compat.zdd.command import run


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
    short_help="Replace an app by its next version, one colour by the other.",
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def zdd(words: tuple[str, ...]) -> None:
    """Replace an app by its next version, one colour by the other; see `milepost zdd --help`."""
    sys.exit(run(words, "milepost zdd"))
