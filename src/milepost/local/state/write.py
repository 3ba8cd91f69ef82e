"""How each thing that is to be kept gets into the tables."""

from sqlite3 import Connection
from typing import Any

import msgspec

from milepost.local.scheduler.effects import ForgetDeployment, Save, SaveChange, SaveDeployment, SaveSetback
from milepost.local.scheduler.saved import VERSIONS_KEPT

_SAVE_DEPLOYMENT = "INSERT INTO deployment VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET plan = excluded.plan"
_SAVE_SETBACK = """
INSERT OR REPLACE INTO setback
SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM app WHERE id = ?1 AND until IS NULL)
"""
_OLD_VERSIONS = """
DELETE FROM app WHERE until <= ?1 AND rowid NOT IN (
    SELECT latest FROM (
        SELECT rowid AS latest, row_number() OVER (PARTITION BY id ORDER BY since DESC) AS place,
               count(*) FILTER (WHERE until IS NULL) OVER (PARTITION BY id) AS exists_now
        FROM app
    ) WHERE exists_now AND place <= ?2
)
"""


def write(connection: Connection, save: Save) -> None:
    """Part of a transaction."""
    match save:
        case SaveChange():
            _change(connection, save)
        case SaveDeployment(deployment):
            row = (deployment.id, deployment.original, as_text(deployment))
            connection.execute(_SAVE_DEPLOYMENT, row)
        case ForgetDeployment(deployment_id):
            connection.execute("DELETE FROM deployment WHERE id = ?", (deployment_id,))
        case SaveSetback(app_id, setback):
            connection.execute(_SAVE_SETBACK, (app_id, as_text(setback)))


def prune(connection: Connection) -> None:
    """Drop the trees before the latest few and before what deployments began from, and app versions nobody asks for."""
    floor = connection.execute(
        "SELECT min(id) FROM (SELECT id FROM (SELECT id FROM version ORDER BY id DESC LIMIT ?)"
        " UNION SELECT original FROM deployment)",
        (VERSIONS_KEPT,),
    ).fetchone()[0]
    connection.execute("DELETE FROM version WHERE id < ?", (floor,))
    connection.execute("DELETE FROM app_group WHERE until <= ?", (floor,))
    connection.execute(_OLD_VERSIONS, (floor, VERSIONS_KEPT))


def _change(connection: Connection, change: SaveChange) -> None:
    version = change.version
    gone = [(app_id,) for app_id, app in change.apps.items() if app is None]
    apps = [(app_id, version, as_text(app)) for app_id, app in change.apps.items() if app is not None]
    groups = [(name, version, as_text(found)) for name, found in change.groups.items() if found is not None]
    connection.execute("INSERT INTO version VALUES (?)", (version,))
    ended = "SET until = ? WHERE id = ? AND until IS NULL"
    connection.executemany(f"UPDATE app {ended}", [(version, app_id) for app_id in change.apps])
    connection.executemany("INSERT INTO app VALUES (?, ?, NULL, ?)", apps)
    connection.executemany(f"UPDATE app_group {ended}", [(version, name) for name in change.groups])
    connection.executemany("INSERT INTO app_group VALUES (?, ?, NULL, ?)", groups)
    connection.executemany("DELETE FROM setback WHERE app_id = ?", gone)


def as_text(value: Any) -> str:
    """JSON, for tables that people may want to look at."""
    return msgspec.json.encode(value).decode()
