"""What the scheduler wants kept goes in, a transaction a turn; at a start all of it comes out again."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection

from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import Definition
from milepost.local.scheduler.effects import Save, SaveChange
from milepost.local.scheduler.saved import VERSIONS_KEPT, Saved
from milepost.local.state.database import AS_IT_WAS, Database, lay_out
from milepost.local.state.errors import StateError
from milepost.local.state.files import SavedFiles
from milepost.local.state.read import read
from milepost.local.state.write import as_text, prune, write

FILE = "state.sqlite"
LOST = "cannot be written. What was asked for is under way, but a restart forgets it unless a later change can be saved"


class Store:
    """The state in `folder`, or without a folder one that ends with the scheduler. `framework_id` is for its life.

    Apps of a folder from before there was a database are taken over, once. Raises StateError for what cannot be read
    or not be written; then nothing was changed.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._database = Database(folder / FILE if folder else None)
        self._unsaved: list[Save] = []
        self._changes = 0
        files = SavedFiles(folder / "apps") if folder else None
        try:
            with self._database.transaction(f"cannot be written, {AS_IT_WAS}") as connection:
                if self._database.is_new:
                    lay_out(connection)
                    connection.execute("INSERT INTO identity VALUES (?)", (f"{uuid.uuid4()}-0000",))
                    _take_over(connection, files.load() if files else [])
                prune(connection)
            if files:
                files.move_aside()
            with self._database.reading() as connection:
                self.framework_id = str(connection.execute("SELECT framework_id FROM identity").fetchone()[0])
        except BaseException:
            self._database.close()
            raise

    def load(self) -> Saved:
        """All that is kept. Raises StateError for what cannot be read."""
        with self._database.reading() as connection:
            return read(connection)

    def save(self, saves: Sequence[Save]) -> None:
        """Keep these, all or none. Raises StateError if none is; then they are kept with the next that can be."""
        self._unsaved += saves
        if not self._unsaved:
            return
        with self._database.transaction(LOST) as connection:
            for save in self._unsaved:
                write(connection, save)
            self._changes += sum(isinstance(save, SaveChange) for save in self._unsaved)
            if self._changes >= VERSIONS_KEPT:
                prune(connection)
                self._changes = 0
        self._unsaved.clear()

    def close(self) -> None:
        """A last try for what could not be kept; then it is left in order."""
        with suppress(StateError):
            self.save(())
        self._database.close()


@contextmanager
def opened(folder: Path | None) -> Iterator[Store]:
    """A `Store` during the block."""
    store = Store(folder)
    try:
        yield store
    finally:
        store.close()


def _take_over(connection: Connection, apps: list[Definition]) -> None:
    """Each app was so since its version; older versions, and groups without apps, had not been kept.

    Without any, the first version is that of nothing, as in a scheduler that was never restarted.
    """
    groups: dict[str, str] = {}
    for app in apps:
        for group_id in ids.ancestors(app.id):
            groups[group_id] = min(groups.get(group_id, app.version), app.version)
    versions = sorted({app.version for app in apps})[-VERSIONS_KEPT:] or [""]
    connection.executemany("INSERT INTO version VALUES (?)", [(version,) for version in versions])
    rows = [(app.id, app.version, as_text(app)) for app in apps]
    connection.executemany("INSERT INTO app VALUES (?, ?, NULL, ?)", rows)
    connection.executemany("INSERT INTO app_group VALUES (?, ?, NULL, '[]')", groups.items())
