"""Somebody else's HAProxy: its files are written, and a command reloads it. Once (`poll`), or on events (`follow`)."""

import logging
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio

from milepost.compat.marathon_lb.archive import Archive
from milepost.compat.marathon_lb.arguments import Arguments
from milepost.compat.marathon_lb.cluster import cluster_of
from milepost.compat.marathon_lb.files import Files
from milepost.compat.marathon_lb.processes import haproxy_processes
from milepost.compat.marathon_lb.reload import Patience, Reload
from milepost.compat.marathon_lb.signal_socket import NAME, serve_signals
from milepost.compat.marathon_lb.text import writer_of
from milepost.compat.marathon_lb.update import Update
from milepost.compat.marathon_lb.validation import Cleanup, Validation
from milepost.controller.mailbox import Mailbox
from milepost.controller.signals import heed
from milepost.errors import MilepostError
from milepost.sources.marathon.source import MarathonSource, read_once

_log = logging.getLogger(__name__)
_REJECTED = Path("haproxy_tmp_conf_fail")


def update_of(arguments: Arguments, environ: Mapping[str, str]) -> Update:
    """What a pass does with these flags. Raises SettingsError."""
    writer = writer_of(arguments, environ)
    archive = Archive(Path(tempfile.gettempdir()), arguments.archive_versions)
    files = Files(arguments.haproxy_config, archive, _REJECTED)
    if arguments.skip_validation:
        return Update(writer, files, None, None)
    validation = Validation(environ)
    cleanup = None if arguments.skip_config_cleanup else Cleanup(writer, files, validation)
    return Update(writer, files, validation, cleanup)


def reload_of(arguments: Arguments, command: Sequence[str]) -> Reload:
    patience = Patience(arguments.max_reload_retries, arguments.reload_interval)
    return Reload(command, patience, partial(haproxy_processes, arguments.haproxy_config.absolute()))


async def poll(arguments: Arguments, command: Sequence[str], environ: Mapping[str, str]) -> None:
    """One pass. Raises MilepostError where Marathon cannot be read or nothing can be written."""
    update = update_of(arguments, environ)
    snapshot = await read_once(cluster_of(arguments))
    if arguments.dry:
        sys.stdout.write(update.text(snapshot) + "\n")
    elif await update.run(snapshot):
        await reload_of(arguments, command).reload()


async def follow(arguments: Arguments, command: Sequence[str], environ: Mapping[str, str]) -> None:
    """Pass after pass until cancelled. Raises SettingsError before the first."""
    from milepost.observability.logs import log_notice  # costs a one-shot a quarter of a second

    mailbox = Mailbox()
    follower = Follower(update_of(arguments, environ), reload_of(arguments, command), mailbox)
    source = MarathonSource(cluster_of(arguments), log_notice)
    refresh, reload = partial(source.look_again, "HUP"), partial(mailbox.wake, "USR1")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(heed, {signal.SIGHUP: refresh, signal.SIGUSR1: reload})
        tasks.start_soon(serve_signals, arguments.haproxy_config.with_name(NAME), {"hup": refresh, "usr1": reload})
        tasks.start_soon(follower.run)
        tasks.start_soon(source.run, mailbox.put)


class Follower:
    """Takes the newest that the mailbox has, and never waits for a reload. What fails is logged, and it goes on."""

    def __init__(self, update: Update, reload: Reload, mailbox: Mailbox) -> None:
        self._update, self._reload, self._mailbox = update, reload, mailbox

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._reload.run)
            while True:
                await self._mailbox.wait(float("inf"))
                try:
                    with anyio.CancelScope(shield=True):  # what is begun is short, and leaves nothing behind at its end
                        await self._pass()
                except MilepostError as error:
                    _log.error("%s", error)
                except Exception:  # a fault of the program, but the next event may be of another app
                    _log.exception("the configuration was not updated")

    async def _pass(self) -> None:
        """A refresh where there is news, and where somebody asked for a reload one in any case."""
        snapshot, reasons = self._mailbox.take()
        is_changed = snapshot is not None and await self._update.run(snapshot)
        if is_changed or (reasons and await self._update.is_valid()):
            self._reload.ask()
