"""Certificates on the disk: those that the operator names, and milepost's own copies, from which HAProxy reads.

HAProxy never reads the operator's files. They may be half written, or of two kinds that do not fit, just when HAProxy
has died or is reloaded, and it would not start. The copies are the last good ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from milepost.proxies.haproxy.certificate import Certificate, CertificateList, copy_path, path_hash
from milepost.proxies.haproxy.files import make_secret_folder, replace_file
from milepost.proxies.haproxy.pem import has_key, read_pem

LIST = "list"
OF_APPS = "apps"
"""The folder for those that apps name, beside the list."""

_SECRET = 0o600
_LARGEST = 200_000  # bytes, of a file that an app names
_BESIDE = (".key", ".ocsp", ".issuer", ".sctl")  # what HAProxy takes for a companion of another file

Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a place that the settings name, a file or a directory of files: each with what changes when it does.

    `error` says why nothing can be said; `files` is empty then.
    """

    place: Path
    files: tuple[tuple[Path, Stamp], ...] = ()
    error: str = ""


def look_at(place: Path) -> Found:
    """Which files are there now. An empty directory counts as an error: it may be one that is not mounted yet."""
    try:
        files = sorted(_members(place)) if place.is_dir() else [place]
        found = Found(place, tuple((file, _stamp(file)) for file in files))
    except OSError as error:
        return Found(place, error=f"cannot be read: {error.strerror}")
    return found if found.files else Found(place, error="is a directory without a certificate")


def look_at_file(place: Path) -> Found:
    """The same for a file that an app names. Only one that can be read to its end: it may be a device or a pipe, and
    the kernel's files, which may never end, have no size.
    """
    try:
        status = place.stat()
    except OSError as error:
        return Found(place, error=f"cannot be read: {error.strerror}")
    if not S_ISREG(status.st_mode) or not 0 < status.st_size <= _LARGEST:
        return Found(place, error=f"is no file of 1 to {_LARGEST} bytes")
    return look_at(place)


def read_certificate(place: Path, file: Path, folder: Path) -> Certificate:
    """What `file` holds, with the key of the file beside it where it has none itself.

    Raises ValueError with words for people.
    """
    try:
        text = file.read_text(encoding="ascii", errors="replace")
        if not has_key(text) and (key := _key_of(file)).exists():
            text = f"{text}\n{key.read_text(encoding='ascii', errors='replace')}"
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    return _certificate(str(copy_path(place, file, folder)), str(file), text)


def read_copy(place: Path, file: Path, folder: Path) -> Certificate | None:
    """The last good one of `file` that a milepost before has left."""
    return next(_read_copies([copy_path(place, file, folder)], str(file)), None)


def read_copies(place: Path, folder: Path) -> tuple[Certificate, ...]:
    """The last good ones of all that was at `place`."""
    return tuple(_read_copies(sorted(folder.glob(f"{path_hash(place)}.*.pem")), str(place)))


def write_certificates(listed: CertificateList) -> None:
    """The copies, then the list that names them, and only then are others deleted: HAProxy may start at any moment.

    Those of apps are named by the configuration itself: `remove_unnamed` is for them. Raises ProxyError where they
    cannot be written.
    """
    folder = Path(listed.path).parent
    for one in listed.every:
        make_secret_folder(Path(one.path).parent)
        replace_file(Path(one.path), one.pem.encode(), mode=_SECRET)
    if not listed.certificates:
        return
    replace_file(Path(listed.path), listed.text.encode())
    remove_unnamed(folder, listed.text)


def remove_unnamed(folder: Path, *texts: str) -> None:
    """Delete the copies in `folder` that none of the texts names."""
    for copy in folder.glob("*.pem"):
        if not any(str(copy) in text for text in texts):
            copy.unlink(missing_ok=True)


def _members(place: Path) -> Iterator[Path]:
    """As HAProxy reads a directory."""
    for file in place.iterdir():
        if not file.name.startswith(".") and file.suffix not in _BESIDE and file.is_file():
            yield file


def _stamp(file: Path) -> Stamp:
    stamp = _stamp_of_one(file)
    key = _key_of(file)
    return (*stamp, *_stamp_of_one(key)) if key.exists() else stamp


def _stamp_of_one(file: Path) -> Stamp:
    status = file.stat()
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)


def _key_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.key")


def _certificate(copy: str, source: str, text: str) -> Certificate:
    pem = read_pem(text)
    return Certificate(copy, source, pem.fingerprint, pem.digest, pem.text)


def _read_copies(copies: Sequence[Path], source: str) -> Iterator[Certificate]:
    for copy in copies:
        try:
            yield _certificate(str(copy), source, copy.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue  # there is none, or somebody has spoilt it: it counts as none
