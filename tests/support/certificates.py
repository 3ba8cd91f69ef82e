"""Certificates for tests, made as they are needed, and a TLS client that tells which one it was shown."""

import ssl
import subprocess
from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from anyio.streams.tls import TLSAttribute, TLSStream


@cache
def pem(name: str) -> str:
    """A certificate for `name` that signs itself, behind it its key; the same for the same name."""
    with TemporaryDirectory() as folder:
        key, made = Path(folder, "key"), Path(folder, "made")
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        who = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        command = ["openssl", "req", "-x509", *kind, *who, "-keyout", str(key), "-out", str(made)]
        subprocess.run(command, check=True, capture_output=True)
        return made.read_text() + key.read_text()


def certificate_of(text: str) -> str:
    """The certificate alone."""
    return text[: text.index("-----BEGIN PRIVATE")]


def key_of(text: str) -> str:
    return text[text.index("-----BEGIN PRIVATE") :]


def fingerprint_of(text: str) -> str:
    """As HAProxy writes it."""
    return sha1(ssl.PEM_cert_to_DER_cert(certificate_of(text))).hexdigest().upper()


async def shown(port: int, name: str = "") -> str:
    """The fingerprint of what a new client is shown at `port` of this machine, who asks for `name`.

    Raises OSError, ssl.SSLError or anyio.BrokenResourceError where the handshake fails.
    """
    async with await _connected(port, name) as stream:
        seen = stream.extra(TLSAttribute.peer_certificate_binary)
        assert seen is not None
        return sha1(seen).hexdigest().upper()


async def agreed(port: int, protocol: str) -> str | None:
    """What is spoken with a client that offers `protocol` and no other (ALPN)."""
    async with await _connected(port, protocols=[protocol]) as stream:
        return stream.extra(TLSAttribute.alpn_protocol)


async def _connected(port: int, name: str = "", protocols: Sequence[str] = ()) -> TLSStream:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return await anyio.connect_tcp(
        "127.0.0.1", port, ssl_context=context, tls_hostname=name or None, tls_standard_compatible=False
    )
