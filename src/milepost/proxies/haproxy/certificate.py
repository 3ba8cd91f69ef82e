"""The certificates that HAProxy should serve, as values. What is secret in them shows in no text made of them."""

from dataclasses import dataclass, field


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
    """HAProxy's `crt-list` file at `path`, and what it lists. The first one serves whoever asks for no name we know."""

    path: str
    certificates: tuple[Certificate, ...]

    @property
    def text(self) -> str:
        return "".join(f"{one.path}\n" for one in self.certificates)
