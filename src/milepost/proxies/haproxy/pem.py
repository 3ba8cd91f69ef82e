"""The text of a certificate with its key, read and made safe to send. Pure; its errors never quote what it read.

Only the blocks themselves are kept: a payload of HAProxy's admin socket ends at the first empty line, and what comes
behind one would be run as commands (haproxy-mechanics.md 2).
"""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from hashlib import sha1, sha256

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_LINE = 64


@dataclass(frozen=True, slots=True)
class Pem:
    """`fingerprint` is the SHA-1 of the first certificate, as HAProxy shows it; `digest` is of the whole `text`."""

    text: str = field(repr=False)
    fingerprint: str
    digest: str


def read_pem(text: str) -> Pem:
    """The blocks of a PEM file: first the certificate itself, then its chain and the key in any order.

    Raises ValueError, in words for people, where the text cannot be a certificate with a key that needs no passphrase.
    """
    blocks = [(match[1], "".join(match[2].split())) for match in _BLOCK.finditer(text)]
    if not any(kind == "CERTIFICATE" for kind, _ in blocks):
        raise ValueError("it holds no whole certificate (PEM)")
    if any("ENCRYPTED" in kind or "Proc-Type" in body for kind, body in blocks):
        raise ValueError("its key needs a passphrase, which nobody could type in")
    if not has_key(text):
        raise ValueError("it holds no whole private key, and no file of its name with `.key` behind it lies beside it")
    if not all(_BASE64.fullmatch(body) and len(body) % 4 == 0 for _, body in blocks):
        raise ValueError("a block of it is cut or damaged")
    first = next(body for kind, body in blocks if kind == "CERTIFICATE")
    whole = "".join(_written(kind, body) for kind, body in blocks)
    fingerprint = sha1(b64decode(first), usedforsecurity=False).hexdigest().upper()
    return Pem(whole, fingerprint, sha256(whole.encode()).hexdigest())


def has_key(text: str) -> bool:
    """Whether a whole private key is in the text."""
    return any(match[1].endswith("PRIVATE KEY") for match in _BLOCK.finditer(text))


def _written(kind: str, body: str) -> str:
    lines = [body[at : at + _LINE] for at in range(0, len(body), _LINE)]
    return "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""))
