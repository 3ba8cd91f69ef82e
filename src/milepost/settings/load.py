"""To `Settings` from options, the environment and a file; the first of these that names a key decides it."""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from milepost.errors import SettingsError
from milepost.settings.keys import KEYS, TABLES, Key
from milepost.settings.values import (
    GuardSettings,
    HAProxySettings,
    LogSettings,
    MarathonCluster,
    PolicySettings,
    RoutingSettings,
    Settings,
    SourceSettings,
    WebSettings,
)

_BY_DOTTED = {key.dotted: key for key in KEYS}
_BY_VARIABLE = {key.variable: key for key in KEYS}
_ARRAY = "sources.marathon"
_LONGEST_SOCKET = 97  # bytes: HAProxy binds under a longer name first, which must fit into a socket address
# Of a URL that is refused for having them, or for signs in them. All up to the last "@": a password may hold any sign.
_CREDENTIALS = re.compile(r"(//).*@|[^\s'\"\[/]*:(?!//).*@", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Given:
    """A value and where it was found, for messages."""

    value: object
    where: str


def load_settings(
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
) -> Settings:
    """Read and check all settings.

    `options` has the `parameter` of a key as name; None and () count as not given. Raises SettingsError, whose
    message names the file and key, the variable or the option, and what would be right.
    """
    given: dict[str, _Given] = {}
    given.update(_from_file(config) if config else ())
    given.update(_from_environment(environ or {}))
    given.update(_from_options(options or {}))
    return _checked(_built({dotted: found.value for dotted, found in given.items()}), given)


def _from_file(path: Path) -> Iterator[tuple[str, _Given]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    for dotted, value in _flattened(path, document):
        key = _BY_DOTTED.get(dotted)
        if key is None:
            raise SettingsError(f"{path}: unknown key {dotted}{_nearest(dotted, _BY_DOTTED)}")
        where = f"{path}: {dotted}"
        yield dotted, _Given(_read(key, where, key.kind.from_toml, value), where)


def _flattened(path: Path, table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted keys; only what is a table of settings is entered."""
    for name, value in table.items():
        dotted = prefix + name
        inside = value
        if dotted == _ARRAY:
            inside = _only_cluster(path, value)
        if isinstance(inside, dict) and dotted not in _BY_DOTTED:
            if dotted not in TABLES and not any(known.startswith(dotted + ".") for known in TABLES):
                raise SettingsError(f"{path}: unknown table [{dotted}]{_nearest(dotted, filter(None, TABLES))}")
            yield from _flattened(path, inside, dotted + ".")
        elif dotted in TABLES:
            raise SettingsError(f"{path}: {dotted}: expected a table [{dotted}], got {_shown(value)}")
        else:
            yield dotted, value


def _only_cluster(path: Path, value: object) -> object:
    if not isinstance(value, list) or not all(isinstance(member, dict) for member in value):
        raise SettingsError(f"{path}: {_ARRAY}: expected an array of tables, each headed [[{_ARRAY}]]")
    if len(value) > 1:
        raise SettingsError(
            f"{path}: {_ARRAY}: {len(value)} clusters are named, but one cluster is supported; "
            "several endpoints of one cluster go into its urls"
        )
    return value[0] if value else {}


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, _Given]]:
    # Only names that begin like one of our tables are ours to judge: others may use the prefix too.
    ours = tuple("MILEPOST_" + table.partition(".")[0].upper() + "_" for table in TABLES if table)
    for variable, text in environ.items():
        key = _BY_VARIABLE.get(variable)
        if key is not None:
            yield key.dotted, _Given(_read(key, variable, key.kind.word, text), variable)
        elif variable.startswith(ours):
            raise SettingsError(f"unknown environment variable {variable}{_nearest(variable, _BY_VARIABLE)}")


def _from_options(options: Mapping[str, object]) -> Iterator[tuple[str, _Given]]:
    for key in KEYS:
        value = options.get(key.parameter)
        if value is None or value == ():
            continue
        where = key.options[0]
        if isinstance(value, (tuple, list)):
            yield key.dotted, _Given(_read(key, where, key.kind.from_words, list(value)), where)
        else:
            yield key.dotted, _Given(_read(key, where, key.kind.word, str(value)), where)


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


def _built(values: Mapping[str, object]) -> Settings:
    def of(table: str) -> dict[str, Any]:
        return {key.name: values[key.dotted] for key in KEYS if key.table == table and key.dotted in values}

    cluster = of(_ARRAY)
    return Settings(
        **of(""),
        sources=SourceSettings(marathon=(MarathonCluster(**cluster),) if cluster.get("urls") else ()),
        routing=RoutingSettings(**of("routing")),
        policy=PolicySettings(**of("policy")),
        haproxy=HAProxySettings(**of("haproxy")),
        guard=GuardSettings(**of("guard")),
        web=WebSettings(**of("web")),
        log=LogSettings(**of("log")),
    )


def _checked(settings: Settings, given: Mapping[str, _Given]) -> Settings:
    """What no single key can tell. The settings with the password of `password_file` in its place."""
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
    for path in (settings.admin_socket, settings.master_socket):
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            raise SettingsError(
                f"{path} is too long for a socket, {_LONGEST_SOCKET} bytes at most: choose a shorter state_dir, or "
                "name haproxy.admin_socket and haproxy.master_socket"
            )
    clusters = tuple(_with_password(cluster, given) for cluster in settings.sources.marathon)
    return replace(settings, sources=SourceSettings(clusters))


def _with_password(cluster: MarathonCluster, given: Mapping[str, _Given]) -> MarathonCluster:
    if cluster.password_file is None:
        return cluster
    where = given[f"{_ARRAY}.password_file"].where
    if cluster.password:
        raise SettingsError(f"{where}: a password is given as well; only one of the two can be meant")
    try:
        secret = cluster.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"{where}: {cluster.password_file} cannot be read: {reason}") from None
    return replace(cluster, password=secret)
