"""`milepost marathon-lb` and `marathon-lb`: which of both ways the flags mean, and with which status it ends."""

import gc
import logging
import os
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio

from milepost.compat.marathon_lb.arguments import Arguments, make_parser, read_arguments
from milepost.compat.marathon_lb.logs import NAME, log_notices_here, set_up_logs
from milepost.compat.marathon_lb.reload import guessed_command, split_command
from milepost.controller.signals import until_stopped
from milepost.errors import MilepostError, SourceError

LUA = Path(__file__).with_name("lua")
"""The files that marathon-lb's head loads, for a HAProxy that is not milepost's."""

_log = logging.getLogger(NAME)


def run(words: Sequence[str], prog: str) -> int:
    """The exit status: 0, also where HAProxy refuses the text; 1 where Marathon cannot be read or nothing be written.

    A usage error exits with 2 from within.
    """
    arguments = read_arguments(words, prog, os.environ)
    if arguments is None:
        return _told(make_parser(prog, os.environ), words)
    set_up_logs(arguments)
    for warning in arguments.warnings:
        _log.warning(warning)
    if arguments.trust_any_certificate:
        _log.warning("--trust-any-certificate: whoever stands between here and Marathon can give it any answer")
    status = 0
    try:
        _run(arguments, os.environ)
    except* MilepostError as group:
        status = 1
        for error in _leaves(group):
            state = "; nothing is changed" if isinstance(error, SourceError) else ""
            _log.critical("%s%s", error, state)
    return status


def _told(parser: ArgumentParser, words: Sequence[str]) -> int:
    """What a line is for that only wants something of us: the reference, or the Lua files."""
    folder = parser.parse_args(words).write_lua
    if folder is None:
        from milepost.compat.marathon_lb.longhelp import longhelp

        sys.stdout.write(longhelp(parser))
        return 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(LUA.glob("*.lua")):
            shutil.copyfile(file, folder / file.name)
            sys.stdout.write(f"{folder / file.name}\n")
    except OSError as error:
        sys.stderr.write(f"{folder} cannot be written: {error.strerror}\n")
        return 1
    return 0


def _run(arguments: Arguments, environ: Mapping[str, str]) -> None:
    command = _command(arguments)
    if command or arguments.dry:
        _run_foreign(arguments, command, environ)
    else:
        _run_own(arguments, environ)


def _command(arguments: Arguments) -> tuple[str, ...]:
    """What reloads HAProxy; empty where it is to be milepost's own."""
    if arguments.command:
        return split_command(arguments.command)
    return () if arguments.own_haproxy else guessed_command()


def _run_foreign(arguments: Arguments, command: Sequence[str], environ: Mapping[str, str]) -> None:
    from milepost.compat.marathon_lb.foreign import follow, poll

    if arguments.sse and not arguments.dry:
        log_notices_here()
        anyio.run(until_stopped, partial(follow, arguments, command, environ))
    else:
        gc.disable()  # a one-shot ends before there is garbage worth a search through all apps
        anyio.run(poll, arguments, command, environ)


def _run_own(arguments: Arguments, environ: Mapping[str, str]) -> None:
    from milepost import compose
    from milepost.compat.marathon_lb.own import settings_of, without_effect
    from milepost.compose_policy import texts_of

    settings = settings_of(arguments, environ)
    log_notices_here()
    for warning in without_effect(arguments):
        _log.warning(warning)
    texts = texts_of(settings, environ)
    if arguments.sse:
        anyio.run(until_stopped, partial(compose.run, settings, stop_proxy=False, heeds_signals=True, texts=texts))
    else:
        anyio.run(compose.run_once, settings, texts)


def _leaves(group: BaseExceptionGroup[MilepostError]) -> list[MilepostError]:
    found: list[MilepostError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
