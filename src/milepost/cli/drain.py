"""`milepost proxy drain` and `undrain`: take one balancer of several out of service, and back."""

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import click

from milepost.cli.console import age, counted, print_json, talk
from milepost.cli.options import Duration, json_option, settings_of, settings_options
from milepost.cli.running import Running
from milepost.controller.lock import is_held
from milepost.errors import MilepostError
from milepost.proxies.haproxy.drain import DRAIN_MAP, Drain, Visitors
from milepost.proxies.haproxy.lame_duck import DrainFile, LameDuck
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.process import stop
from milepost.proxies.haproxy.runtime import AdminSocket
from milepost.settings.kinds import SECONDS_OR_OFF
from milepost.settings.values import Settings

_CONCERNED = ("state_dir", "haproxy.mode", "haproxy.admin_socket", "haproxy.master_socket", "web")
_STOP_GRACE_S = 10.0
_LINE_INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True)
class Departure:
    """What a drain came to. `left` tells whether all clients had left; `stopped`, whether HAProxy was ended then."""

    draining_since_s: float
    waited_s: float
    connections: int
    old_workers: int
    left: bool
    stopped: bool = False


@click.command()
@click.option(
    "--wait",
    type=Duration(SECONDS_OR_OFF),
    default="300",
    show_default=True,
    help="At most so long for clients to leave; 0: not at all.",
)
@click.option(
    "--quiet",
    type=Duration(),
    default="10",
    show_default=True,
    help="Clients have left once so long nobody came: more than what a health check takes to notice.",
)
@click.option("--then-stop", is_flag=True, help="End HAProxy then, until `milepost proxy undrain`.")
@json_option
@settings_options(*_CONCERNED)
def drain(config: Path | None, wait: float, quiet: float, then_stop: bool, as_json: bool, **options: Any) -> None:
    """Take this balancer out of service: its health endpoint answers 503, its clients leave, all requests are served.

    It stays so over reloads and restarts, until `milepost proxy undrain`. Exit status 1 if clients were still there at
    the end of --wait.
    """
    settings = settings_of(config, options)
    came_to = anyio.run(_drain, settings, wait, quiet, then_stop, not as_json)
    if as_json:
        print_json(came_to)
    sys.exit(0 if came_to.left or not wait else 1)


@click.command()
@json_option
@settings_options(*_CONCERNED)
def undrain(config: Path | None, as_json: bool, **options: Any) -> None:
    """Put this balancer back in service; a HAProxy that was stopped at the end of a drain may start again."""
    settings = settings_of(config, options)
    was_draining = anyio.run(_lame_duck(settings).end)
    if was_draining:
        _tell_milepost(settings)
    if as_json:
        print_json({"was_draining": was_draining})
    else:
        talk("in service again" if was_draining else "it is not draining; nothing to do")


async def _drain(settings: Settings, wait_s: float, quiet_s: float, then_stop: bool, is_shown: bool) -> Departure:
    duck = _lame_duck(settings)
    drain = await duck.begin(time.time())
    _tell_milepost(settings)
    progress = _Progress(is_shown)
    progress.say(f"draining since {age(time.time() - drain.since_s)} ago; `milepost proxy undrain` takes it back")
    came_to = await _wait(duck, drain, wait_s, quiet_s, progress)
    return await _stop(settings, duck, drain, came_to, progress) if then_stop else came_to


async def _wait(duck: LameDuck, drain: Drain, wait_s: float, quiet_s: float, progress: "_Progress") -> Departure:
    began_s, is_on = anyio.current_time(), True
    with anyio.move_on_after(wait_s) as limit:
        is_on = await duck.until_left(quiet_s, progress.show)
    found = await duck.visitors() if is_on else None
    if found is None:
        raise MilepostError("the drain was taken back meanwhile; this balancer is in service and was not stopped")
    left = not limit.cancelled_caught
    progress.say("all clients have left" if left else _words(found))
    return Departure(drain.since_s, anyio.current_time() - began_s, found.connections, found.old_workers, left)


async def _stop(
    settings: Settings, duck: LameDuck, drain: Drain, so_far: Departure, progress: "_Progress"
) -> Departure:
    if settings.haproxy.mode == "attach":
        progress.say('HAProxy is not milepost\'s to end (haproxy.mode is "attach"): end it where it was started')
        return so_far
    master = (await MasterSocket(settings.master_socket).processes()).master
    duck.stays_stopped(drain)
    await stop(master, _STOP_GRACE_S)
    progress.say(f"HAProxy (pid {master}) has ended; `milepost proxy undrain` lets it start again")
    return replace(so_far, stopped=True)


def _lame_duck(settings: Settings) -> LameDuck:
    file = DrainFile(settings.map_dir / DRAIN_MAP)
    return LameDuck(AdminSocket(settings.admin_socket), MasterSocket(settings.master_socket), file)


def _tell_milepost(settings: Settings) -> None:
    """A milepost that runs here shows the change in its own health at once, else with its next look at HAProxy."""
    if settings.web.listen is None or not is_held(settings.state_dir):
        return
    try:
        Running(settings.web.listen).reconcile()
    except MilepostError as error:
        talk(f"{error}; it will see the change within haproxy.observe_interval_s")


@dataclass(slots=True)
class _Progress:
    """Tells how far it is: on a terminal in one line that changes, elsewhere in a line now and then."""

    is_shown: bool
    shown: str = ""
    shown_at_s: float = 0.0

    def show(self, seen: Visitors) -> None:
        text, now_s = _words(seen), anyio.current_time()
        if not self.is_shown or text == self.shown:
            return
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)
        elif now_s - self.shown_at_s < _LINE_INTERVAL_S:
            return
        else:
            talk(text)
        self.shown, self.shown_at_s = text, now_s

    def say(self, text: str) -> None:
        """A line of its own."""
        if self.is_shown:
            if self.shown and sys.stderr.isatty():
                click.echo("\r\x1b[K", err=True, nl=False)
            self.shown = ""
            talk(text)


def _words(seen: Visitors) -> str:
    if seen.are_gone:
        return "nobody is there; waiting whether anybody comes"
    old = f", {counted(seen.old_workers, 'replaced worker')} with sessions" if seen.old_workers else ""
    return f"still there: {counted(seen.connections, 'client connection')}{old}"
