"""What leads from the certificates that HAProxy serves to those that it should. Pure."""

from collections.abc import Mapping

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
    """Nothing where none are wanted or none run: that is another structure, whose reload reads the files."""
    if wanted is None or not wanted.certificates or not running:
        return ()
    steps: list[CertificateChange] = []
    for certificate in wanted.certificates:
        there = running.get(certificate.path)
        if there is None:
            steps.append(AddCertificate(certificate, wanted.path, f"{certificate.source} is new"))
        elif not _is_same(certificate, there):
            steps.append(SetCertificate(certificate, f"{certificate.source} has another content"))
    names = {certificate.path for certificate in wanted.certificates}
    gone = (path for path in running if path not in names)
    return (*steps, *(RemoveCertificate(path, wanted.path, "its file is gone") for path in gone))


def hurdle(change: CertificateChange) -> str:
    """Why this cannot be done on a running HAProxy, "" where it can."""
    if isinstance(change, RemoveCertificate) or len(change.certificate.pem) <= _LARGEST_PAYLOAD:
        return ""
    return f"more than {_LARGEST_PAYLOAD} bytes cannot be sent to a running HAProxy"


def _is_same(certificate: Certificate, there: RunningCertificate) -> bool:
    return there.fingerprint == certificate.fingerprint and there.digest in (None, certificate.digest)
