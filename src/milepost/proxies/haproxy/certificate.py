"""The certificates that HAProxy should serve, as values. What is secret in them shows in no text made of them."""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

_ODD = re.compile(r"[^A-Za-z0-9.-]")
_LONGEST_NAME = 60
_HASH = 12


@dataclass(frozen=True, slots=True)
class Certificate:
    """`path` is milepost's copy, by which HAProxy knows it; `source` the operator's file that it was read from.

    `pem` holds certificate, chain and key, without an empty line. `fingerprint` and `digest`: see `pem.Pem`.
    """

    path: str
    source: str
    fingerprint: str
    digest: str
    pem: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateList:
    """HAProxy's `crt-list` file at `path`, and what it lists. The first one serves whoever asks for no name we know.

    `of_apps` stand in no list: each is what listeners of services name, see `app_copy`.
    """

    path: str
    certificates: tuple[Certificate, ...]
    of_apps: tuple[Certificate, ...] = ()

    @property
    def every(self) -> tuple[Certificate, ...]:
        return (*self.certificates, *self.of_apps)

    @property
    def text(self) -> str:
        return "".join(f"{one.path}\n" for one in self.certificates)


def app_copy(folder: str, source: str) -> str:
    """Milepost's copy in `folder` of a file that an app names."""
    return str(copy_path(Path(source), Path(source), Path(folder)))


def copy_path(place: Path, file: Path, folder: Path) -> Path:
    """Its name tells the place, for when that is gone, and the file, whatever signs its name has."""
    name = _ODD.sub("_", file.name)[:_LONGEST_NAME]
    return folder / f"{path_hash(place)}.{name}.{path_hash(file)}.pem"


def path_hash(path: Path) -> str:
    return sha256(str(path).encode(errors="surrogateescape")).hexdigest()[:_HASH]
