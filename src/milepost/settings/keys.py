"""The keys of all settings with their three spellings, walked from the classes in values.py."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from milepost.settings.cluster import MarathonCluster
from milepost.settings.kinds import Kind
from milepost.settings.static import StaticApp
from milepost.settings.values import (
    GuardSettings,
    HAProxySettings,
    LogSettings,
    PolicySettings,
    RoutingSettings,
    Settings,
    WebSettings,
)

TABLES: dict[str, type] = {
    "": Settings,
    "sources.marathon": MarathonCluster,
    "routing": RoutingSettings,
    "policy": PolicySettings,
    "haproxy": HAProxySettings,
    "guard": GuardSettings,
    "web": WebSettings,
    "log": LogSettings,
}

ARRAYS: dict[str, type] = {"sources.marathon": MarathonCluster, "sources.static": StaticApp}
"""The tables that the file may hold several of, each headed `[[...]]`."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: `haproxy.http_port` in the file, MILEPOST_HAPROXY_HTTP_PORT, `--haproxy-http-port`."""

    table: str
    name: str
    kind: Kind[Any]
    default: object
    help: str
    short_option: str
    shown_default: str

    @property
    def dotted(self) -> str:
        return f"{self.table}.{self.name}".lstrip(".")

    @property
    def variable(self) -> str:
        return "MILEPOST_" + self.dotted.replace(".", "_").upper()

    @property
    def option(self) -> str:
        """The regular option; tables of sources go by the source's name alone (`--marathon-user`)."""
        return "--" + self.dotted.removeprefix("sources.").replace(".", "-").replace("_", "-")

    @property
    def options(self) -> tuple[str, ...]:
        return (self.short_option, self.option) if self.short_option else (self.option,)

    @property
    def parameter(self) -> str:
        """The option's name as a Python name: the key of `options` in `load_settings`."""
        return self.option.removeprefix("--").replace("-", "_")

    @property
    def unit(self) -> str:
        return "s" if self.name.endswith("_s") else ""


def _walk(tables: dict[str, type]) -> Iterator[Key]:
    for table, cls in tables.items():
        for field in fields(cls):
            if told := field.metadata:
                yield Key(table, field.name, told["kind"], field.default, told["help"], told["option"], told["shown"])


KEYS: tuple[Key, ...] = tuple(_walk(TABLES))

FILE_KEYS: tuple[Key, ...] = tuple(_walk({"sources.static": StaticApp}))
"""Those that only the file can hold: neither a variable nor an option tells one entry from another."""
