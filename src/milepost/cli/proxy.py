"""`milepost proxy`: the running HAProxy itself, known by its master socket."""

from pathlib import Path
from typing import Any

import anyio
import click

from milepost.cli.console import age, counted, print_json, talk
from milepost.cli.drain import drain, undrain
from milepost.cli.options import Duration, json_option, settings_of, settings_options
from milepost.controller.lock import is_held
from milepost.errors import ProxyError, ProxyGone
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.observe import Processes
from milepost.proxies.haproxy.process import stop as end_process

_CONCERNED = ("state_dir", "haproxy.mode", "haproxy.master_socket")
NOT_OURS = 'HAProxy is not milepost\'s to end (haproxy.mode is "attach"): end it where it was started'


@click.group()
def proxy() -> None:
    """Look at the running HAProxy, take it out of service, or end it. It outlives milepost."""


proxy.add_command(drain)
proxy.add_command(undrain)


@proxy.command()
@json_option
@settings_options(*_CONCERNED)
def status(config: Path | None, as_json: bool, **options: Any) -> None:
    """The processes of the running HAProxy. Exit status 4 if none runs."""
    found = anyio.run(MasterSocket(settings_of(config, options).master_socket).ready)
    if as_json:
        print_json(found)
    else:
        _print(found)


@proxy.command()
@click.option(
    "--grace",
    type=Duration(),
    default="10",
    show_default=True,
    help="How long running requests may take to finish before they are ended.",
)
@settings_options(*_CONCERNED)
def stop(config: Path | None, grace: float, **options: Any) -> None:
    """End the running HAProxy, and with it all traffic. Running requests finish first. Fine if none runs."""
    settings = settings_of(config, options)
    if settings.haproxy.mode == "attach":
        raise ProxyError(NOT_OURS)
    if is_held(settings.state_dir):
        raise ProxyError(
            f"a milepost runs with state_dir {settings.state_dir} and would start HAProxy again: end that one first; "
            "`milepost run --stop-proxy` ends both together"
        )
    anyio.run(_stop, settings.master_socket, grace)


async def _stop(master_socket: Path, grace_s: float) -> None:
    try:
        found = await MasterSocket(master_socket).ready()
    except ProxyGone:
        talk(f"no HAProxy runs with the master socket {master_socket}; nothing to do")
        return
    talk(f"HAProxy (pid {found.master}) is to end; running requests have {grace_s:g} s to finish")
    await end_process(found.master, grace_s)
    talk(f"HAProxy (pid {found.master}) has ended")


def _print(found: Processes) -> None:
    click.echo(
        f"HAProxy {found.version}, master pid {found.master}, {counted(found.reloads, 'reload')}, {found.failed} failed"
    )
    click.echo(f"worker pid {found.worker}" if found.worker else click.style("no worker serves", fg="red"))
    if found.old:
        old = ", ".join(f"pid {worker.pid} up for {age(worker.uptime_s)}" for worker in found.old)
        click.echo(f"old workers that finish their sessions: {old}")
