"""What stands in the tables, as one value."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from sqlite3 import Connection
from typing import Generic, TypeVar

import msgspec

from milepost.local.apps.definition import Definition
from milepost.local.scheduler.saved import VERSIONS_KEPT, Saved, SavedDeployment, Setback
from milepost.local.scheduler.tree import Dependencies, Tree

ValueT = TypeVar("ValueT")
_SPANS = "SELECT id, since, until, {column} FROM {table} ORDER BY id, since DESC"


@dataclass(frozen=True, slots=True)
class _Span(Generic[ValueT]):
    """`value` from one version on until another, "" while that has not come."""

    id: str
    since: str
    until: str
    value: ValueT

    def covers(self, version: str) -> bool:
        return self.since <= version and (not self.until or version < self.until)


def read(connection: Connection) -> Saved:
    """All of it. Raises sqlite3.Error and msgspec.MsgspecError for what cannot be read."""
    apps = list(_spans(connection, "app", "definition", Definition))
    groups = list(_spans(connection, "app_group", "dependencies", Dependencies))
    plans = connection.execute("SELECT plan FROM deployment ORDER BY rowid")
    deployments = tuple(msgspec.json.decode(plan, type=SavedDeployment) for (plan,) in plans)
    kept = "SELECT id FROM (SELECT id FROM version ORDER BY id DESC LIMIT ?)"
    versions = {version for (version,) in connection.execute(kept, (VERSIONS_KEPT,))}
    versions |= {wanted for each in deployments for wanted in (each.original, each.version)}
    setbacks = connection.execute("SELECT app_id, setback FROM setback")
    return Saved(
        dict(_versions(apps)),
        {span.id: span.value for span in groups if not span.until},
        tuple(_tree(version, apps, groups) for version in sorted(versions, reverse=True)),
        deployments,
        {app_id: msgspec.json.decode(text, type=Setback) for app_id, text in setbacks},
    )


def _spans(connection: Connection, table: str, column: str, kind: type[ValueT]) -> Iterator[_Span[ValueT]]:
    decoder = msgspec.json.Decoder(kind)
    for name, since, until, text in connection.execute(_SPANS.format(table=table, column=column)):
        yield _Span(name, since, until or "", decoder.decode(text))


def _versions(spans: list[_Span[Definition]]) -> Iterator[tuple[str, tuple[Definition, ...]]]:
    """Of each app that exists, back to where it was created."""
    for app_id, found in groupby(spans, lambda span: span.id):
        end, versions = "", []
        for span in found:
            if span.until != end:
                break
            versions.append(span.value)
            end = span.since
        if versions:
            yield app_id, tuple(versions[:VERSIONS_KEPT])


def _tree(version: str, apps: list[_Span[Definition]], groups: list[_Span[Dependencies]]) -> Tree:
    return Tree(
        version,
        {span.id: span.value for span in apps if span.covers(version)},
        {span.id: span.value for span in groups if span.covers(version)},
    )
