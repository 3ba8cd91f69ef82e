"""Who we are at Marathon, as the header that says so; and which hosts may hear it."""

import ssl
from base64 import b64encode
from collections.abc import Iterable

import httpx2

from milepost.sources.marathon.settings import MarathonSettings
from milepost.sources.marathon.token import Login


class Credentials:
    """Those of one cluster. They are for the endpoints that its settings name, wherever a redirect leads.

    Raises SettingsError, see `Login`.
    """

    def __init__(self, settings: MarathonSettings, tls: ssl.SSLContext) -> None:
        self._basic = _basic(settings.user, settings.password) if settings.user else ""
        self._login = Login(settings.account, tls) if settings.account and not settings.user else None
        self._hosts = frozenset(_places(settings.urls))

    def are_for(self, target: httpx2.URL) -> bool:
        """Whether `target` is one of the endpoints, or there is nothing to keep from it."""
        return (self._login is None and not self._basic) or _place(target) in self._hosts

    async def headers(self) -> dict[str, str]:
        """To be sent with a request. Raises SourceError where a login is needed and fails."""
        if self._login is not None:
            return {"Authorization": f"token={await self._login.token()}"}
        return {"Authorization": self._basic} if self._basic else {}

    def refused(self) -> None:
        """Marathon did not take them."""
        if self._login is not None:
            self._login.refused()

    async def run(self) -> None:
        """Keep them good, until cancelled; returns where nothing has to be done for that."""
        if self._login is not None:
            await self._login.run()


def _basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _places(urls: Iterable[str]) -> Iterable[tuple[str, str, int | None]]:
    return (_place(httpx2.URL(url)) for url in urls)


def _place(url: httpx2.URL) -> tuple[str, str, int | None]:
    """Scheme too: what is meant for TLS is not for anybody who listens in."""
    return url.scheme, url.host, url.port
