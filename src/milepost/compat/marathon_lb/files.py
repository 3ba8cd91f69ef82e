"""Files of somebody else's HAProxy: compared, written beside, and moved into place (marathon-lb-behaviour.md 17)."""

import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from milepost.compat.marathon_lb.archive import Archive
from milepost.compat.marathon_lb.text import Text

_log = logging.getLogger(__name__)
_NEW_MODE = 0o644
_MAPS = {"domain2backend.map": "domain_map", "app2backend.map": "app_map"}  # names of their copies


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text as temporary files. `config` names `maps`' temporary files, so that HAProxy checks what it will get."""

    config: Path
    maps: Mapping[Path, Path]  # the real path of each to the temporary one
    checked_text: str


@dataclass(frozen=True, slots=True)
class Files:
    """The configuration at `config` and the maps beside it; rejected texts go to `rejected`.

    OSErrors are the caller's: nothing is half written then.
    """

    config: Path
    archive: Archive
    rejected: Path

    def differs(self, text: Text) -> bool:
        """Whether the files say something else. A map that is missing alone is made, empty."""
        if (_content(self.config) or "") != text.config:
            return True
        if any((_content(path) or "") != content for path, content in text.maps.items()):
            return True
        for path in text.maps:
            path.touch()
        return False

    @contextmanager
    def candidate(self, text: Text) -> Iterator[Candidate]:
        """`text` in temporary files beside the real ones, which are gone at the end of the block."""
        made: list[Path] = []
        try:
            maps = {}
            config = text.config
            for path, content in text.maps.items():
                maps[path] = _beside(path, content)
                made.append(maps[path])
                config = config.replace(str(path), str(maps[path]))
            made.append(_beside(self.config, config))
            yield Candidate(made[-1], maps, config)
        finally:
            for path in made:
                path.unlink(missing_ok=True)

    def take(self, text: Text, candidate: Candidate) -> None:
        """Maps first, since the configuration needs them, then the configuration; a copy of each is kept."""
        for path, temporary in candidate.maps.items():
            self.archive.add(temporary, _MAPS[path.name])
            move(temporary, path)
        if candidate.checked_text != text.config:
            candidate.config.write_text(text.config)
        self.archive.add(candidate.config, "hap_cfg")
        move(candidate.config, self.config)

    def reject(self, candidate: Candidate) -> None:
        """Put a text that HAProxy refuses where one can look at it."""
        self.archive.add(candidate.config, "haproxy_temp_config_fail")
        try:
            shutil.copyfile(candidate.config, self.rejected)
        except OSError as error:
            _log.warning("the refused text cannot be kept as %s: %s", self.rejected, error.strerror)

    def empty_maps(self) -> None:
        """Maps that lie there from earlier, when they were in use, say nothing any more (14)."""
        for name in _MAPS:
            path = self.config.with_name(name)
            if _content(path):
                path.write_text("")


def _content(path: Path) -> str | None:
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None


def _beside(path: Path, content: str) -> Path:
    """A new file in the same directory, with the permissions of the one it will replace."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        os.fchmod(file.fileno(), path.stat().st_mode & 0o7777 if path.exists() else _NEW_MODE)
    return Path(name)


def move(source: Path, target: Path) -> None:
    """In one step where that can be. A file that is mounted by itself, as in a container, can only be written over."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        shutil.copyfile(source, target)
