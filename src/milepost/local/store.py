"""App definitions on disk, one file each, so that a restart of the scheduler brings the apps back."""

import os
from pathlib import Path
from urllib.parse import quote

import msgspec

from milepost.errors import MilepostError
from milepost.local.apps.definition import Definition


class Store:
    """Files `<folder>/<quoted app id>.json`, each written beside and renamed: a reader sees the old or the new one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, app: Definition) -> None:
        path = self._path(app.id)
        beside = path.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(app))
        os.replace(beside, path)

    def forget(self, app_id: str) -> None:
        self._path(app_id).unlink(missing_ok=True)

    def load(self) -> list[Definition]:
        """All saved apps, in the order of their ids. Raises MilepostError for a file that cannot be read."""
        return [self._read(path) for path in sorted(self._folder.glob("*.json"))]

    def _read(self, path: Path) -> Definition:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Definition)
        except (OSError, msgspec.MsgspecError) as error:
            raise MilepostError(f"the saved app {path} cannot be read, no app was started: {error}") from error

    def _path(self, app_id: str) -> Path:
        return self._folder / f"{quote(app_id, safe='')}.json"
