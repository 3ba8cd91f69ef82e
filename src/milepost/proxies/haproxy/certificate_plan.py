"""What leads from the certificates that HAProxy serves to those that it should. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from milepost.proxies.haproxy.actual import RunningCertificate
from milepost.proxies.haproxy.certificate import Certificate, CertificateList
from milepost.proxies.haproxy.certificate_changes import (
    AddCertificate,
    CertificateChange,
    RemoveCertificate,
    SetCertificate,
)

_LARGEST_PAYLOAD = 14_000  # bytes; a command must fit into HAProxy's buffer of 16 KiB, else it closes the connection


def plan_certificates(
    wanted: CertificateList | None, running: Mapping[str, RunningCertificate]
) -> tuple[CertificateChange, ...]:
    """Of those listed nothing where none are wanted or none run: that is another structure, whose reload reads the
    files. Those of apps come and go with the structure only.
    """
    if wanted is None:
        return ()
    listed = {path: there for path, there in running.items() if Path(path).parent == Path(wanted.path).parent}
    of_apps = (one for one in wanted.of_apps if one.path in running)
    return (*_plan_listed(wanted, listed), *_set(of_apps, running))


def _plan_listed(wanted: CertificateList, running: Mapping[str, RunningCertificate]) -> Iterator[CertificateChange]:
    if not wanted.certificates or not running:
        return
    new = (one for one in wanted.certificates if one.path not in running)
    yield from (AddCertificate(one, wanted.path, f"{one.source} is new") for one in new)
    yield from _set((one for one in wanted.certificates if one.path in running), running)
    names = {certificate.path for certificate in wanted.certificates}
    gone = (path for path in running if path not in names)
    yield from (RemoveCertificate(path, wanted.path, "its file is gone") for path in gone)


def _set(certificates: Iterable[Certificate], running: Mapping[str, RunningCertificate]) -> Iterator[CertificateChange]:
    for one in certificates:
        if not _is_same(one, running[one.path]):
            yield SetCertificate(one, f"{one.source} has another content")


def hurdle(change: CertificateChange) -> str:
    """Why this cannot be done on a running HAProxy, "" where it can."""
    if isinstance(change, RemoveCertificate) or len(change.certificate.pem) <= _LARGEST_PAYLOAD:
        return ""
    return f"more than {_LARGEST_PAYLOAD} bytes cannot be sent to a running HAProxy"


def _is_same(certificate: Certificate, there: RunningCertificate) -> bool:
    return there.fingerprint == certificate.fingerprint and there.digest in (None, certificate.digest)
