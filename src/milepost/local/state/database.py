"""The file of the state: how it is opened and checked, and what a transaction on it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from milepost.local.state.errors import StateError
from milepost.local.state.layout import APPLICATION, LAYOUT, SCHEMA

WAIT_S = 1.0  # for somebody else who writes to the file
AS_IT_WAS = "nothing was started and the file is as it was"


class Database:
    """A connection to `path`, or without one to a database that is kept nowhere. `is_new`: nothing is laid out in it.

    Raises StateError, before anything is written, for a file that cannot be used.
    """

    def __init__(self, path: Path | None) -> None:
        self.name = str(path) if path else "in memory"
        with self.explained(f"cannot be opened, {AS_IT_WAS}"):
            self._connection = sqlite3.connect(path or ":memory:", timeout=WAIT_S, isolation_level=None)
        try:
            with self.explained(f"cannot be used, {AS_IT_WAS}"):
                self.is_new = self._is_empty()
                if not self.is_new:
                    self._check()
                # What is committed outlives this process however it ends; after a power failure the latest may be gone.
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self, problem: str) -> Iterator[sqlite3.Connection]:
        """All that the block writes, or nothing of it. Raises StateError: `problem` says what could not be done."""
        with self.explained(problem):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Raises StateError for what cannot be read."""
        with self.explained(f"cannot be read, {AS_IT_WAS}"):
            yield self._connection

    @contextmanager
    def explained(self, problem: str) -> Iterator[None]:
        """What goes wrong with the file, or with what stands in it, as a StateError that names the file."""
        try:
            yield
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise StateError(f"the state {self.name} {problem}: {error}") from error

    def close(self) -> None:
        """The files beside it go too, unless somebody else reads."""
        self._connection.close()

    def _is_empty(self) -> bool:
        return not self._number("SELECT count(*) FROM sqlite_schema") and not self._number("PRAGMA user_version")

    def _check(self) -> None:
        """Refuse what is not ours, of another layout, or damaged."""
        if self._number("PRAGMA application_id") != APPLICATION:
            raise sqlite3.DatabaseError("it is a database of another program")
        schema = self._number("PRAGMA user_version")
        if schema != SCHEMA:
            layouts = f"its layout is number {schema}, this milepost knows {SCHEMA}"
            raise sqlite3.DatabaseError(f"{layouts}: start the milepost that wrote it, or use another folder")
        found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"it is damaged ({found})")

    def _number(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])


def lay_out(connection: sqlite3.Connection) -> None:
    """Make the tables, as part of a transaction."""
    for statement in LAYOUT:
        connection.execute(statement)
