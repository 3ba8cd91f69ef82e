"""Whether HAProxy will take a certificate, found out before it replaces one that is good."""

import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from anyio import to_thread

from milepost.proxies.haproxy.certificate import Certificate
from milepost.proxies.haproxy.check import check
from milepost.proxies.haproxy.files import make_secret_folder, replace_file

_SECRET = 0o600
_FIRST_BIND = 3  # line of the text that is checked, from 1
_PLACE = re.compile(r"^'bind [^']*' in section '[^']*' : |(?: (?:in|loaded|from(?: file)?))? '[^']*candidate[^']*'")


class CertificateCheck:
    """Asks HAProxy's own check, in `folder`, which is made for nobody but us.

    Without `binary` it asks the TLS library of our own process: it may be of another version, but knows a key that
    does not fit.
    """

    def __init__(self, binary: Path | None, folder: Path, environment: Mapping[str, str]) -> None:
        self._binary, self._folder, self._environment = binary, folder, environment

    async def refused(self, certificates: Sequence[Certificate]) -> dict[str, str]:
        """Those that are refused, by `Certificate.path`, each with the reason.

        Raises ProxyError where they cannot be written for the check, or it cannot be run.
        """
        if not certificates:
            return {}
        candidates = [self._folder / f".candidate-{number}" for number in range(len(certificates))]
        make_secret_folder(self._folder)
        try:
            await to_thread.run_sync(_write, candidates, certificates)
            words = await self._words(candidates)
        finally:
            for candidate in candidates:
                with suppress(OSError):  # it is no secret where it could not be written, and else is written over
                    candidate.unlink(missing_ok=True)
        return {one.path: reason for one, reason in zip(certificates, words, strict=True) if reason}

    async def _words(self, candidates: Sequence[Path]) -> list[str]:
        """Why each is refused, "" where it is taken."""
        if self._binary is None:
            return [await to_thread.run_sync(_why_not_loaded, candidate) for candidate in candidates]
        binds = (f"  bind 127.0.0.1:1 ssl crt {candidate}" for candidate in candidates)
        text = "\n".join(("frontend certificates", "  mode http", *binds, ""))
        config = self._folder / ".candidate.cfg"
        try:
            await to_thread.run_sync(replace_file, config, text.encode())
            checked = await check(self._binary, config, text, self._environment)
        finally:
            config.unlink(missing_ok=True)
        found = {alert.line: _PLACE.sub("", alert.message) for alert in reversed(checked.alerts)}
        of_all = found.get(None, "")
        return [found.get(_FIRST_BIND + number, of_all) for number in range(len(candidates))]


def _write(candidates: Sequence[Path], certificates: Sequence[Certificate]) -> None:
    for candidate, certificate in zip(candidates, certificates, strict=True):
        replace_file(candidate, certificate.pem.encode(), mode=_SECRET)


def _why_not_loaded(candidate: Path) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(candidate)
    except ssl.SSLError as error:
        return error.reason or "the TLS library does not take it"
    return ""
