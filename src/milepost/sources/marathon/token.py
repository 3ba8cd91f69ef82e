"""The tokens by which DC/OS lets a service account in: got by a signed login, and again before they end.

A login that fails is tried again and leaves the token of before in use for as long as that lasts (marathon-lb waited
an hour, its Q9). Nothing waits for a login while there is a token that is good.
"""

import os
import shutil
import ssl
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass

import anyio
import httpx2
import msgspec
from anyio import to_thread

from milepost.errors import SettingsError, SourceError
from milepost.sources.backoff import backoff_s
from milepost.sources.marathon.account import ServiceAccount

_COOKIE = "dcos-acs-auth-cookie"
_LIFE_S = 3600.0
_AHEAD_S = 300.0  # a token is renewed when less of it is left
_LOGIN_LIFE_S = 60  # of what is signed for one login
_TIMEOUT_S = 10.0
_FIRST_RETRY_S, _LONGEST_RETRY_S = 1.0, 30.0
_SIGN = ("openssl", "dgst", "-sha256", "-passin", "pass:", "-sign")  # a key with a password is refused, not asked about


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    got_s: float
    ends_s: float


class Login:
    """Holds the token of one account. `clock` gives Unix seconds, as the login's own claims are in those.

    Raises SettingsError where there is no `openssl`, which signs (docs/decisions/openssl-signs.md).
    """

    def __init__(self, account: ServiceAccount, tls: ssl.SSLContext, clock: Callable[[], float] = time.time) -> None:
        if shutil.which(_SIGN[0]) is None:
            raise SettingsError("a DC/OS service account needs the program openssl, which signs its logins")
        self._account, self._tls, self._clock = account, tls, clock
        self._token: _Token | None = None
        self._lock = anyio.Lock()

    async def token(self) -> str:
        """One that is good now. Logs in where there is none; raises SourceError where that fails."""
        async with self._lock:
            if self._token is None or self._token.ends_s <= self._clock():
                self._token = await self._log_in()
            return self._token.value

    def refused(self) -> None:
        """Marathon did not take the token: the next one is got anew, unless this one has just been."""
        if self._token is not None and self._clock() - self._token.got_s > _LONGEST_RETRY_S:
            self._token = None

    async def run(self) -> None:
        """Renew ahead of time, until cancelled."""
        failures = 0
        while True:
            await anyio.sleep(self._wait_s(failures))
            if self._token is None or self._token.ends_s - self._clock() >= _AHEAD_S:
                continue
            try:
                self._token = await self._log_in()
                failures = 0
            except SourceError:
                failures += 1  # whoever needs a token once this one has ended tells it

    def _wait_s(self, failures: int) -> float:
        if failures:
            return backoff_s(failures, _FIRST_RETRY_S, _LONGEST_RETRY_S, 1.0)
        left_s = self._token.ends_s - self._clock() - _AHEAD_S if self._token else 0.0
        return max(_FIRST_RETRY_S, left_s)

    async def _log_in(self) -> _Token:
        now_s = self._clock()
        endpoint = self._account.login_endpoint
        signed = await sign_jwt(self._account, int(now_s) + _LOGIN_LIFE_S)
        ask = {"uid": self._account.uid, "token": signed, "exp": int(now_s + _LIFE_S)}
        try:
            async with httpx2.AsyncClient(verify=self._tls, timeout=_TIMEOUT_S, trust_env=False) as http:
                answer = await http.post(endpoint, json=ask, headers={"User-Agent": "milepost"})
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise SourceError(f"the login at {endpoint} failed: {error or type(error).__name__}") from error
        value = answer.cookies.get(_COOKIE)
        if not answer.is_success or not value:
            raise SourceError(f"the login at {endpoint} failed: answered {answer.status_code} without a token")
        return _Token(value, now_s, now_s + _LIFE_S)


async def sign_jwt(account: ServiceAccount, ends_s: int) -> str:
    """A JSON Web Token (RFC 7519) that says who we are until `ends_s` (Unix time), signed with RS256.

    Raises SourceError where the key does not sign.
    """
    claims = ({"alg": "RS256", "typ": "JWT"}, {"uid": account.uid, "exp": ends_s})
    text = b".".join(_base64(msgspec.json.encode(part)) for part in claims)
    return b".".join((text, _base64(await _signature(account.private_key, text)))).decode()


async def _signature(key: str, text: bytes) -> bytes:
    try:
        signed = await to_thread.run_sync(_signed, key, text)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"openssl could not sign the login: {error}") from error
    if signed.returncode or not signed.stdout:
        raise SourceError("openssl could not sign the login: the private_key is no usable RSA key without a password")
    return signed.stdout


def _signed(key: str, text: bytes) -> subprocess.CompletedProcess[bytes]:
    """The key goes through a pipe: it stands in no file and on no command line."""
    reading, writing = os.pipe()
    with os.fdopen(reading):
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(key.encode())
        command = [*_SIGN, f"/dev/fd/{reading}"]
        return subprocess.run(  # noqa: S603  # our own words
            command, input=text, capture_output=True, check=False, pass_fds=(reading,), timeout=_TIMEOUT_S
        )


def _base64(content: bytes) -> bytes:
    """Without padding, as RFC 7515 wants it."""
    return urlsafe_b64encode(content).rstrip(b"=")
