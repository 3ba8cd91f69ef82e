"""Who we are at Marathon, as the header that says so."""

import ssl
from base64 import b64encode

from milepost.sources.marathon.settings import MarathonSettings
from milepost.sources.marathon.token import Login


class Credentials:
    """Those of one cluster: for its endpoints, and for where these send us on.

    Raises SettingsError, see `Login`.
    """

    def __init__(self, settings: MarathonSettings, tls: ssl.SSLContext) -> None:
        self._basic = _basic(settings.user, settings.password) if settings.user else ""
        self._login = Login(settings.account, tls) if settings.account and not settings.user else None

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
