"""What every request and answer has in common (marathon-api 2), around the application."""

import re
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "0",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "1; mode=block",
}
SLASHES = re.compile("/{2,}")


class Manners:
    """Slashes too many in a path below /v2 mean nothing, and every answer has the headers of a leader at `address`."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._app = app
        self._headers = [*ALWAYS.items(), ("X-Marathon-Leader", f"http://{address}")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(message, self._headers)
            await send(message)

        await self._app({**scope, "path": plain_path(scope["path"])}, receive, send_with_headers)


def plain_path(path: str) -> str:
    """`path` without doubled and trailing slashes if it is one of the API's own; others are left as they are."""
    plain = SLASHES.sub("/", path)
    return plain.rstrip("/") if plain.startswith("/v2/") else path


def _add(message: Message, headers: Iterable[tuple[str, str]]) -> None:
    found = MutableHeaders(raw=list(message.get("headers", ())))
    for name, value in headers:
        found.setdefault(name, value)
    message["headers"] = found.raw
