"""To `Settings` from options, the environment and a file; the first of these that names a key decides it."""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from milepost.errors import SettingsError
from milepost.settings.entries import Entry, Given, clusters_of, static_apps_of
from milepost.settings.keys import ARRAYS, FILE_KEYS, KEYS, TABLES, Key
from milepost.settings.values import (
    GuardSettings,
    HAProxySettings,
    LogSettings,
    PolicySettings,
    RoutingSettings,
    Settings,
    SourceSettings,
    WebSettings,
)

_BY_DOTTED = {key.dotted: key for key in (*KEYS, *FILE_KEYS)}
_BY_VARIABLE = {key.variable: key for key in KEYS}
_LONGEST_SOCKET = 97  # bytes: HAProxy binds under a longer name first, which must fit into a socket address
# Of a URL that is refused for having them, or for signs in them. All up to the last "@": a password may hold any sign.
_CREDENTIALS = re.compile(r"(//).*@|[^\s'\"\[/]*:(?!//).*@", re.DOTALL)


def load_settings(
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
) -> Settings:
    """Read and check all settings.

    `options` has the `parameter` of a key as name; None and () count as not given. Raises SettingsError, whose
    message names the file and key, the variable or the option, and what would be right.
    """
    document = _document(config) if config else {}
    given: dict[str, Given] = {}
    given.update(_from_file(config, document) if config else ())
    given.update(_from_environment(environ or {}))
    given.update(_from_options(options or {}))
    entries = {array: _entries(config, array, document) if config else [] for array in ARRAYS}
    return _checked(_built(given, entries), given)


def _document(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error


def _from_file(path: Path, document: Mapping[str, Any]) -> Iterator[tuple[str, Given]]:
    """What is no entry of an array of tables."""
    for dotted, value in _flattened(path, document):
        where = f"{path}: {dotted}"
        key = _known(path, dotted)
        yield dotted, Given(_read(key, where, key.kind.from_toml, value), where)


def _known(path: Path, dotted: str) -> Key:
    key = _BY_DOTTED.get(dotted)
    if key is None:
        raise SettingsError(f"{path}: unknown key {dotted}{_nearest(dotted, _BY_DOTTED)}")
    return key


def _flattened(path: Path, table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted keys; only what is a table of settings is entered."""
    tables = {*TABLES, *ARRAYS}
    for name, value in table.items():
        dotted = prefix + name
        if dotted in ARRAYS:
            continue
        if isinstance(value, dict) and dotted not in _BY_DOTTED:
            if dotted not in TABLES and not any(known.startswith(dotted + ".") for known in tables):
                raise SettingsError(f"{path}: unknown table [{dotted}]{_nearest(dotted, filter(None, tables))}")
            yield from _flattened(path, value, dotted + ".")
        elif dotted in TABLES:
            raise SettingsError(f"{path}: {dotted}: expected a table [{dotted}], got {_shown(value)}")
        else:
            yield dotted, value


def _entries(path: Path, array: str, document: Mapping[str, Any]) -> list[Entry]:
    """The entries that the file has of `array`, which is two names with a dot between."""
    parent, _, name = array.partition(".")
    tables = document.get(parent, {}).get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: {array}: expected an array of tables, each headed [[{array}]]")
    return [
        dict(_from_entry(path, array, table, f" of entry {number}" if len(tables) > 1 else ""))
        for number, table in enumerate(tables, 1)
    ]


def _from_entry(path: Path, array: str, table: Mapping[str, Any], which: str) -> Iterator[tuple[str, Given]]:
    for name, value in table.items():
        key, where = _known(path, f"{array}.{name}"), f"{path}: {array}.{name}{which}"
        yield name, Given(_read(key, where, key.kind.from_toml, value), where)


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Given]]:
    # Only names that begin like one of our tables are ours to judge: others may use the prefix too.
    ours = tuple("MILEPOST_" + table.partition(".")[0].upper() + "_" for table in TABLES if table)
    for variable, text in environ.items():
        key = _BY_VARIABLE.get(variable)
        if key is not None:
            yield key.dotted, Given(_read(key, variable, key.kind.word, text), variable)
        elif variable.startswith(ours):
            raise SettingsError(f"unknown environment variable {variable}{_nearest(variable, _BY_VARIABLE)}")


def _from_options(options: Mapping[str, object]) -> Iterator[tuple[str, Given]]:
    for key in KEYS:
        value = options.get(key.parameter)
        if value is None or value == ():
            continue
        where = key.options[0]
        if isinstance(value, (tuple, list)):
            yield key.dotted, Given(_read(key, where, key.kind.from_words, list(value)), where)
        else:
            yield key.dotted, Given(_read(key, where, key.kind.word, str(value)), where)


def _read(key: Key, where: str, read: Callable[[Any], object], value: object) -> object:
    try:
        return read(value)
    except ValueError:
        got = "" if key.kind.is_secret else f", got {_shown(value)}"
        raise SettingsError(f"{where}: expected {key.kind.expected}{got}") from None


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = _CREDENTIALS.sub(r"\1(hidden)@", f'"{value}"' if isinstance(value, str) else str(value))
    return text if len(text) <= 80 else text[:77] + "..."


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def _built(given: Mapping[str, Given], entries: Mapping[str, list[Entry]]) -> Settings:
    def of(table: str) -> dict[str, Any]:
        return {key.name: given[key.dotted].value for key in KEYS if key.table == table and key.dotted in given}

    only = {key.name: given[key.dotted] for key in KEYS if key.table == "sources.marathon" and key.dotted in given}
    clusters = clusters_of(entries["sources.marathon"], only)
    return Settings(
        **of(""),
        sources=SourceSettings(marathon=clusters, static=static_apps_of(entries["sources.static"])),
        routing=RoutingSettings(**of("routing")),
        policy=PolicySettings(**of("policy")),
        haproxy=HAProxySettings(**of("haproxy")),
        guard=GuardSettings(**of("guard")),
        web=WebSettings(**of("web")),
        log=LogSettings(**of("log")),
    )


def _checked(settings: Settings, given: Mapping[str, Given]) -> Settings:
    """What no single key can tell."""
    haproxy = settings.haproxy
    if haproxy.mode == "attach" and haproxy.master_socket is None:
        raise SettingsError(
            f'{given["haproxy.mode"].where}: mode "attach" needs haproxy.master_socket, the path given to `haproxy -S`'
        )
    if haproxy.settle_limit_s < haproxy.settle_quiet_s:
        raise SettingsError(
            f"haproxy.settle_limit_s: expected at least settle_quiet_s ({haproxy.settle_quiet_s:g}), "
            f"got {haproxy.settle_limit_s:g}"
        )
    if haproxy.accept_proxy and not haproxy.trusted_networks:
        where = given["haproxy.accept_proxy"].where
        raise SettingsError(
            f"{where}: needs haproxy.trusted_networks: whoever else spoke so could call himself anybody"
        )
    for path in (settings.admin_socket, settings.master_socket, settings.endpoints_socket, settings.log_socket):
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            raise SettingsError(
                f"{path} is too long for a socket, {_LONGEST_SOCKET} bytes at most: choose a shorter state_dir, or "
                "name haproxy.admin_socket and haproxy.master_socket"
            )
    return settings
