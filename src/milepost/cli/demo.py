"""`milepost demo`: the tutorial on this machine."""

import functools
import sys

import anyio
import click

from milepost.controller.signals import until_stopped
from milepost.demo.places import Places
from milepost.demo.show import Show
from milepost.demo.story import tell

DEFAULTS = Places()


@click.command()
@click.option("--once", is_flag=True, help="End after the checks, with exit status 0 if all passed, else 1.")
@click.option("--marathon-port", default=DEFAULTS.marathon_port, show_default=True, help="Marathon's API.")
@click.option("--service-port", default=DEFAULTS.service_port, show_default=True, help="The fixed address of nginx2.")
@click.option("--appid-port", default=DEFAULTS.appid_port, show_default=True, help="Apps by header X-Marathon-App-Id.")
@click.option("--stats-port", default=DEFAULTS.stats_port, show_default=True, help="HAProxy's statistics.")
@click.option("--web-port", default=DEFAULTS.web_port, show_default=True, help="milepost's own API.")
def demo(once: bool, marathon_port: int, service_port: int, appid_port: int, stats_port: int, web_port: int) -> None:
    """Show the whole tutorial working on this machine: deploy, reach, redeploy without losing a request.

    Starts a Marathon-compatible scheduler with three nodes on loopback addresses, milepost, and a real HAProxy; stays
    up until Ctrl-C, which leaves no process and no file behind.
    """
    places = Places(marathon_port, service_port, appid_port, stats_port, web_port)
    story = functools.partial(tell, places, Show(), stay=not once)
    passed = anyio.run(until_stopped, story)
    if passed is None:
        click.echo("\nstopped; no process and no file is left")
    sys.exit(0 if passed or (passed is None and not once) else 1)
