"""The command line's options, made from the table of settings; and the settings of one call."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from milepost.settings.keys import KEYS, Key
from milepost.settings.kinds import SECONDS, Kind
from milepost.settings.load import load_settings
from milepost.settings.values import Settings

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

READING = ("sources.marathon", "routing", "policy", "web")
"""The tables that concern whoever asks for snapshot or routing only."""

ALL = ("", "sources.marathon", "routing", "policy", "haproxy", "guard", "web", "log")


class Duration(click.ParamType[float]):
    """Seconds, of one of the kinds that the settings have."""

    name = "seconds"

    def __init__(self, kind: Kind[float] = SECONDS) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return self._kind.word(value)
        except ValueError:
            self.fail(f"expected {self._kind.expected}, got {value}", param, ctx)


def settings_options(*wanted: str) -> Callable[[CommandT], CommandT]:
    """Give a command `--config` and one option for each key that is wanted, by its dotted name or by that of its table.

    The command gets `config` and `**options`.
    """

    def add(command: CommandT) -> CommandT:
        for key in reversed([key for key in KEYS if key.table in wanted or key.dotted in wanted]):
            command = _option(key)(command)
        return click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            envvar="MILEPOST_CONFIG",
            metavar="FILE",
            help="Settings in TOML (docs/settings.md). An option beats a MILEPOST_... variable beats the file.",
        )(command)

    return add


def json_option(command: CommandT) -> CommandT:
    return click.option("--json", "as_json", is_flag=True, help="For programs.")(command)


def settings_of(config: Path | None, options: dict[str, Any]) -> Settings:
    """The settings that this call means. Raises SettingsError."""
    return load_settings(config, os.environ, options)


def _option(key: Key) -> Callable[[CommandT], CommandT]:
    if key.kind.is_flag:
        *short, regular = key.options
        pair = f"{regular}/--no-{regular.removeprefix('--')}"
        return click.option(*short, pair, key.parameter, default=None, help=key.help)
    # The value stays a text: the table reads it, and says the same of a wrong one wherever it comes from.
    return click.option(
        *key.options, key.parameter, multiple=key.kind.is_list, default=None, metavar=_metavar(key), help=_help(key)
    )


def _metavar(key: Key) -> str:
    return "SECONDS" if key.unit else key.name.upper()


def _help(key: Key) -> str:
    return f"{key.help} Repeat it for several." if key.kind.is_list else key.help
