"""`milepost render`: the HAProxy configuration, as text."""

from pathlib import Path
from typing import Any

import click

from milepost.cli.options import ALL, settings_of
from milepost.cli.running import Running
from milepost.cli.stage import desired_of, open_stages, stage_options
from milepost.compose_policy import policy_of
from milepost.model.snapshot import Snapshot
from milepost.proxies.haproxy.contract import contract_for
from milepost.proxies.haproxy.render import render as rendered
from milepost.settings.values import Settings


@click.command()
@click.option(
    "--profile",
    type=click.Choice(["run", "contract"]),
    default="run",
    show_default=True,
    help='"run": what `milepost run` writes; "contract": marathon-lb\'s text for the same apps.',
)
@stage_options(*ALL)
def render(profile: str, apps: Path | None, config: Path | None, **options: Any) -> None:
    """The HAProxy configuration, on standard output."""
    settings = settings_of(config, options)
    stages = open_stages(apps, settings, options)
    if profile == "contract":
        text = _contract_text(settings, stages.snapshot())
    elif isinstance(stages, Running):
        text = stages.config()
    else:
        text = rendered(desired_of(settings, stages.table()))
    click.echo(text, nl=False)


def _contract_text(settings: Settings, seen: Snapshot) -> str:
    """marathon-lb decides otherwise: it knows no ports of ours, and several apps may claim one port or host."""
    _, contract = contract_for(seen, policy_of(settings))
    return contract.text
