"""Apps as they were kept before there was a database: a JSON file each."""

import os
from pathlib import Path

import msgspec
import structlog

from milepost.local.apps.definition import Definition
from milepost.local.state.errors import StateError

_log = structlog.get_logger()


class SavedFiles:
    """The folder `apps` of a state of that time, if there is one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> list[Definition]:
        """All apps, in the order of their ids. Raises StateError for a file that cannot be read."""
        return [_app(path) for path in sorted(self._folder.glob("*.json"))]

    def move_aside(self) -> None:
        """They are never read again; whoever wants to see them finds them beside."""
        aside = self._folder.with_name("apps.taken-over")
        if self._folder.is_dir() and not aside.exists():
            os.replace(self._folder, aside)
            _log.info("apps_taken_over", files=str(aside))


def _app(path: Path) -> Definition:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Definition)
    except (OSError, msgspec.MsgspecError) as error:
        raise StateError(f"the saved app {path} cannot be read, no app was started: {error}") from error
