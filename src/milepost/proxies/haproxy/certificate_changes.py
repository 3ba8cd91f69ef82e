"""The steps of a plan that concern certificates (HAProxy management guide 9.3; haproxy-mechanics.md 7).

Each ends by asking HAProxy what it has: that, and not the words before it, tells whether the step was applied.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from milepost.proxies.haproxy.actual import RunningCertificate
from milepost.proxies.haproxy.certificate import Certificate
from milepost.proxies.haproxy.observe import parse_fingerprint
from milepost.proxies.haproxy.verdict import Verdict

Certificates: TypeAlias = MutableMapping[str, RunningCertificate]


@dataclass(frozen=True, slots=True)
class SetCertificate:
    """A certificate that is served takes another content; connections that are open keep what they have."""

    certificate: Certificate
    reason: str
    app_id: str = ""

    @property
    def path(self) -> str:
        return self.certificate.path

    def describe(self) -> str:
        return f"set certificate {self.certificate.source} to {self.certificate.fingerprint}"

    @property
    def commands(self) -> tuple[str, ...]:
        return _put(self.certificate)

    def verdict(self, answers: Sequence[str]) -> Verdict:
        return _has(self.certificate, answers)

    def on(self, running: Certificates) -> None:
        running[self.path] = RunningCertificate(self.certificate.fingerprint, self.certificate.digest)


@dataclass(frozen=True, slots=True)
class AddCertificate:
    """A certificate is served from now on, beside the others of the crt-list file `listed_in`."""

    certificate: Certificate
    listed_in: str
    reason: str
    app_id: str = ""

    @property
    def path(self) -> str:
        return self.certificate.path

    def describe(self) -> str:
        return f"add certificate {self.certificate.source}, {self.certificate.fingerprint}"

    @property
    def commands(self) -> tuple[str, ...]:
        *put, show = _put(self.certificate)
        return (f"new ssl cert {self.path}", *put, f"add ssl crt-list {self.listed_in} {self.path}", show)

    def verdict(self, answers: Sequence[str]) -> Verdict:
        is_listed = "Success!" in answers[-2]
        return _has(self.certificate, answers) if is_listed else Verdict.REFUSED

    def on(self, running: Certificates) -> None:
        running[self.path] = RunningCertificate(self.certificate.fingerprint, self.certificate.digest)


@dataclass(frozen=True, slots=True)
class RemoveCertificate:
    """A certificate is served no more. HAProxy refuses it of the one that serves whoever names no host."""

    path: str
    listed_in: str
    reason: str
    app_id: str = ""

    def describe(self) -> str:
        return f"remove certificate {self.path}"

    @property
    def commands(self) -> tuple[str, ...]:
        return (f"del ssl crt-list {self.listed_in} {self.path}", f"del ssl cert {self.path}")

    def verdict(self, answers: Sequence[str]) -> Verdict:
        return Verdict.DONE if answers[0].endswith("!") and " deleted in " in answers[0] else Verdict.REFUSED

    def on(self, running: Certificates) -> None:
        running.pop(self.path, None)


CertificateChange: TypeAlias = SetCertificate | AddCertificate | RemoveCertificate


def _put(certificate: Certificate) -> tuple[str, ...]:
    """The empty line that ends the payload comes from the line break behind each command."""
    path = certificate.path
    payload = f"set ssl cert {path} <<\n{certificate.pem}"
    # What the commit does not take would keep every other certificate from being changed.
    return (payload, f"commit ssl cert {path}", f"abort ssl cert {path}", f"show ssl cert {path}")


def _has(certificate: Certificate, answers: Sequence[str]) -> Verdict:
    """The chain is not shown: that it was taken is known by the commit."""
    is_committed = any("Committing" in answer and "Success!" in answer for answer in answers)
    is_shown = parse_fingerprint(answers[-1]) == certificate.fingerprint
    return Verdict.DONE if is_committed and is_shown else Verdict.REFUSED
