"""The entries of the file's arrays of tables: several Marathons, and the services that no scheduler knows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from milepost.errors import SettingsError
from milepost.settings.cluster import MarathonCluster
from milepost.settings.cluster_secrets import with_secrets
from milepost.settings.static import StaticApp


@dataclass(frozen=True, slots=True)
class Given:
    """A value and where it was found, for messages."""

    value: object
    where: str


Entry: TypeAlias = Mapping[str, Given]
"""What is given of one table, by the name of the key."""


def clusters_of(entries: Sequence[Entry], besides: Entry) -> tuple[MarathonCluster, ...]:
    """The Marathons; `besides` is what variables and options say of the only one. Raises SettingsError.

    One without `urls` is none, as long as it is the only one.
    """
    if len(entries) > 1 and besides:
        where = next(iter(besides.values())).where
        raise SettingsError(f"{where}: {len(entries)} Marathons stand in the file, and nothing says which one is meant")
    if len(entries) <= 1:
        entries = [{**(entries[0] if entries else {}), **besides}]
        entries = [entry for entry in entries if "urls" in entry and entry["urls"].value]
    clusters = tuple(_cluster(entry) for entry in entries)
    _expect_distinct("[[sources.marathon]]", "name", [cluster.name for cluster in clusters])
    return clusters


def static_apps_of(entries: Sequence[Entry]) -> tuple[StaticApp, ...]:
    """The services that stand in the file. Raises SettingsError."""
    if not all("id" in entry for entry in entries):
        raise SettingsError("[[sources.static]]: each needs an id")
    apps = tuple(StaticApp(**_values(entry)) for entry in entries)
    _expect_distinct("[[sources.static]]", "id", [app.id.removeprefix("/") for app in apps])
    return apps


def _values(entry: Entry) -> dict[str, Any]:
    return {name: given.value for name, given in entry.items()}


def _cluster(entry: Entry) -> MarathonCluster:
    """One cluster, with the secrets that files hold in their places."""
    cluster = MarathonCluster(**_values(entry))
    if not cluster.urls:
        raise SettingsError("[[sources.marathon]]: of several each needs urls")
    return with_secrets(cluster, {name: given.where for name, given in entry.items()})


def _expect_distinct(array: str, name: str, values: Sequence[str]) -> None:
    for value in _repeated(values):
        shown = f'the {name} "{value}"' if value else f"no {name}"
        raise SettingsError(f"{array}: several have {shown}; their apps could not be told apart")


def _repeated(values: Sequence[str]) -> Iterator[str]:
    yield from (value for position, value in enumerate(values) if value in values[:position])
