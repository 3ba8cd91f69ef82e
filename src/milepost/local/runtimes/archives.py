"""Archives, extracted so that nothing gets outside of a folder."""

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from anyio.from_thread import check_cancelled

TARS = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
ARCHIVES = (*TARS, ".zip", ".gz")
LIMIT = 4 << 30  # bytes that come out of one archive at most
PIECE = 1 << 20


class NotExtracted(Exception):
    """The message says what is wrong with the archive."""


def extract(archive: Path, folder: Path) -> None:
    """Extract into `folder`; what its name says tells its kind. The archive stays. Raises NotExtracted and OSError.

    Runs in a worker thread, and ends when the task that waits for that is cancelled.
    """
    try:
        with readable(archive) as file:
            if archive.name.endswith(TARS):
                _untar(file, folder)
            elif archive.name.endswith(".zip"):
                _unzip(file, folder)
            else:
                _gunzip(file, folder / archive.name.removesuffix(".gz"))
    except NotExtracted:
        raise
    except Exception as error:  # what comes of an archive that is made to be wrong is written nowhere
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise NotExtracted(f"it cannot be extracted: {error or type(error).__name__}") from error


class _Readable(io.FileIO):
    def readinto(self, buffer: "bytearray | memoryview") -> int | None:  # type: ignore[override]  # any buffer
        check_cancelled()
        return super().readinto(buffer)


def readable(path: Path) -> IO[bytes]:
    """A file to be read in a worker thread, which ends when the task that waits for it is cancelled. To open or read
    what is no plain file takes no time either: it is empty, or an error."""
    return io.BufferedReader(_Readable(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)))


def _bounded() -> Callable[[int], None]:
    """To be told of the bytes that come out. Raises NotExtracted when they are too many."""
    seen = 0

    def more(size: int) -> None:
        nonlocal seen
        seen += size
        if seen > LIMIT:
            raise NotExtracted(f"more than {LIMIT >> 20} MiB would come out of it")

    return more


def _untar(file: IO[bytes], folder: Path) -> None:
    more = _bounded()

    def allowed(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
        more(member.size)
        return tarfile.data_filter(member, path)

    with tarfile.open(fileobj=file) as tar:
        tar.extractall(folder, filter=allowed)  # noqa: S202  # `allowed` is the filter of data


def _gunzip(file: IO[bytes], there: Path) -> None:
    more = _bounded()
    with gzip.open(file) as packed, there.open("wb") as out:
        while piece := packed.read(PIECE):
            more(len(piece))
            out.write(piece)


def _unzip(file: IO[bytes], folder: Path) -> None:
    """Whole or not at all: members that lead elsewhere are refused first. Permissions are kept, links are not made."""
    more = _bounded()
    with zipfile.ZipFile(file) as packed:
        for member in packed.infolist():
            more(member.file_size)
            path = PurePosixPath(member.filename)
            if path.is_absolute() or ".." in path.parts:
                raise NotExtracted(f"it cannot be extracted: {member.filename} would be outside of the sandbox")
        for member in packed.infolist():
            there = Path(packed.extract(member, folder))
            if mode := member.external_attr >> 16 & 0o777:
                there.chmod(mode | 0o600 | (0o100 if member.is_dir() else 0))
