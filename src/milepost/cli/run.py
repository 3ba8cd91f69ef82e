"""`milepost run`: the whole program."""

from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click

from milepost import compose
from milepost.cli.options import ALL, settings_of, settings_options
from milepost.cli.proxy import NOT_OURS
from milepost.controller.signals import until_stopped
from milepost.errors import ProxyError
from milepost.observability.logs import set_up_logs


@click.command()
@click.option("--stop-proxy", is_flag=True, help="End HAProxy together with milepost. Else it goes on and is adopted.")
@settings_options(*ALL)
def run(config: Path | None, stop_proxy: bool, **options: Any) -> None:
    """Watch Marathon and keep HAProxy configured, until stopped by Ctrl-C or SIGTERM.

    HAProxy goes on when milepost ends; the next `milepost run` takes it over without a reload. See `milepost proxy`.
    """
    settings = settings_of(config, options)
    if stop_proxy and settings.haproxy.mode == "attach":
        raise ProxyError(NOT_OURS)
    set_up_logs(settings.log.format, settings.log.level)
    anyio.run(until_stopped, partial(compose.run, settings, stop_proxy=stop_proxy))
