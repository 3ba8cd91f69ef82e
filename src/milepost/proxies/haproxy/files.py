"""Files that are always whole: written beside and renamed, and put back as they were when it went wrong."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import ProxyError

_MODE = 0o640


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it was: its content, None where there was none."""

    path: Path
    content: bytes | None

    def put_back(self) -> None:
        """Raises ProxyError, see `replace_file`."""
        if self.content is not None:
            replace_file(self.path, self.content)
            return
        with _told(self.path):
            self.path.unlink(missing_ok=True)


def keep(path: Path) -> Kept:
    """Remember the file at `path`. Raises ProxyError where it cannot be read."""
    with _told(path):
        return Kept(path, path.read_bytes() if path.exists() else None)


def put_back(files: Iterable[Kept]) -> None:
    """All of them, see `Kept.put_back`."""
    for one in files:
        one.put_back()


def replace_file(path: Path, content: bytes, mode: int = _MODE) -> None:
    """Write `content` to `path` in one step: readers, and a crash at any moment, find the old or the new.

    Owner and permissions of an existing file stay where the operating system lets us; a new one gets `mode`. Nothing
    is written where the content is the same already. Raises ProxyError; the file is as it was then.
    """
    if keep(path).content == content:
        return
    beside = path.with_name(f".{path.name}.new")
    with _told(path):
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _copy_owner(path, beside)
        beside.rename(path)
        _sync_folder(path.parent)


def make_secret_folder(path: Path) -> None:
    """A directory for nobody but us, and the one it is in, if not there yet.

    Raises ProxyError where it cannot be made.
    """
    for folder in (path.parent, path):
        with _told(folder):
            folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProxyError(f"{path} cannot be read or written: {error.strerror}; what ran before runs") from error


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
