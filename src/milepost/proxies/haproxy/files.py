"""Files that are always whole: written beside and renamed, and put back as they were when it went wrong."""

import os
from dataclasses import dataclass
from pathlib import Path

_MODE = 0o640


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it was: its content, None where there was none."""

    path: Path
    content: bytes | None

    def put_back(self) -> None:
        if self.content is None:
            self.path.unlink(missing_ok=True)
        else:
            replace_file(self.path, self.content)


def keep(path: Path) -> Kept:
    try:
        return Kept(path, path.read_bytes())
    except FileNotFoundError:
        return Kept(path, None)


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step: readers, and a crash at any moment, find the old or the new.

    Owner and permissions of an existing file stay where the operating system lets us. Nothing is written where
    the content is the same already. Raises OSError.
    """
    if keep(path).content == content:
        return
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _copy_owner(path, beside)
    beside.rename(path)
    _sync_folder(path.parent)


def _copy_owner(path: Path, beside: Path) -> None:
    try:
        old = path.stat()
    except FileNotFoundError:
        return
    beside.chmod(old.st_mode & 0o7777)
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
        os.chown(beside, old.st_uid, old.st_gid)


def _sync_folder(folder: Path) -> None:
    """The rename itself must outlive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
