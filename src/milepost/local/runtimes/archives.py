"""Archives, extracted so that nothing gets outside of a folder."""

import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

TARS = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
ARCHIVES = (*TARS, ".zip", ".gz")
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


class NotExtracted(Exception):
    """The message says what is wrong with the archive."""


def extract(archive: Path, folder: Path) -> None:
    """Extract into `folder`; what its name says tells its kind. The archive stays. Raises NotExtracted and OSError."""
    try:
        if archive.name.endswith(TARS):
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        elif archive.name.endswith(".zip"):
            _unzip(archive, folder)
        else:
            with gzip.open(archive) as packed, (folder / archive.name.removesuffix(".gz")).open("wb") as file:
                shutil.copyfileobj(packed, file)
    except _BROKEN as error:
        raise NotExtracted(f"it cannot be extracted: {error}") from error


def _unzip(archive: Path, folder: Path) -> None:
    """Whole or not at all: members that lead elsewhere are refused first. Permissions are kept, links are not made."""
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            path = PurePosixPath(member.filename)
            if path.is_absolute() or ".." in path.parts:
                raise NotExtracted(f"it cannot be extracted: {member.filename} would be outside of the sandbox")
        for member in packed.infolist():
            there = Path(packed.extract(member, folder))
            if mode := member.external_attr >> 16 & 0o777:
                there.chmod(mode | 0o600 | (0o100 if member.is_dir() else 0))
