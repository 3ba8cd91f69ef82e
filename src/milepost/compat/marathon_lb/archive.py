"""Numbered copies of what was written (marathon-lb-behaviour.md 17.4)."""

import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Archive:
    """Keeps the newest `versions` copies of each file in `folder`, as NAME.1 (the newest), NAME.2 and so on."""

    folder: Path
    versions: int

    def add(self, path: Path, name: str) -> None:
        """Copy the file at `path`. What goes wrong is logged: no copy is worth a configuration that is not written."""
        try:
            copy = self._copied(path)
            try:
                self._shift(name)
                copy.replace(self._numbered(name, 1))
            finally:
                copy.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("no copy of %s is kept as %s: %s", path, self._numbered(name, 1), error.strerror)

    def _shift(self, name: str) -> None:
        for number in range(max(1, self.versions) - 1, 0, -1):
            if (older := self._numbered(name, number)).exists():
                older.replace(self._numbered(name, number + 1))

    def _copied(self, path: Path) -> Path:
        """Under a name that nobody can foresee: the folder is everybody's, and a link laid there is not followed."""
        descriptor, beside = tempfile.mkstemp(prefix=f"{path.name}.", dir=self.folder)
        with path.open("rb") as source, os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
            os.fchmod(target.fileno(), path.stat().st_mode & 0o7777)
        return Path(beside)

    def _numbered(self, name: str, number: int) -> Path:
        return self.folder / f"{name}.{number}"
