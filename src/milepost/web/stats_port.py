"""What HAProxy asks of milepost for those who come to the port of its statistics page (marathon-lb-behaviour.md 6).

Paths, types and texts are marathon-lb's, which scripts read. Whether a client may ask at all HAProxy has decided.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from milepost.controller.board import Board
from milepost.controller.secrets import shown_config
from milepost.controller.timing import Allowance
from milepost.errors import ProxyError
from milepost.proxies.haproxy.stats_port import APPS, CONFIG, FETCH, HOSTS, PIDS, RELOAD

_EVERY_S = 1.0
_AT_ONCE = 5


class ConfigView(Protocol):
    """What only the proxy's own part can say about its value `desired` on the board. Pure; called in a thread."""

    def config_text(self, desired: Any) -> str: ...

    def hosts_map(self, desired: Any) -> str: ...

    def apps_map(self, desired: Any) -> str: ...


@dataclass(frozen=True, slots=True)
class Asks:
    """What can be asked of this milepost. `fetch` has Marathon read anew, `reload` the file checked and HAProxy
    reloaded, both soon; `pids` are those of all processes of HAProxy, a ProxyError where it does not tell.
    """

    fetch: Callable[[], None]
    reload: Callable[[], None]
    pids: Callable[[], Awaitable[tuple[int, ...]]]


@dataclass(slots=True)
class _Endpoints:
    board: Board
    view: ConfigView
    asks: Asks
    clock: Callable[[], float]
    allowances: dict[str, Allowance] = field(default_factory=dict)

    async def config(self, request: Request) -> Response:
        self._count(request)
        return await self._text(lambda desired: shown_config(self.view.config_text(desired)))

    async def hosts(self, _: Request) -> Response:
        return await self._text(self.view.hosts_map)

    async def apps(self, _: Request) -> Response:
        return await self._text(self.view.apps_map)

    async def pids(self, _: Request) -> Response:
        try:
            found = await self.asks.pids()
        except ProxyError as error:
            raise HTTPException(503, str(error)) from error
        return PlainTextResponse(" ".join(map(str, found)) + "\n")

    async def fetch(self, request: Request) -> Response:
        return self._signalled(request, self.asks.fetch, "SIGHUP")

    async def reload(self, request: Request) -> Response:
        return self._signalled(request, self.asks.reload, "SIGUSR1")

    def _signalled(self, request: Request, ask: Callable[[], None], name: str) -> Response:
        self._count(request)
        ask()
        return PlainTextResponse(f"Sent {name} signal to marathon-lb")

    async def _text(self, make: Callable[[object], str]) -> Response:
        desired = self.board.desired
        if desired is None:
            raise HTTPException(503, "milepost has just been started and has made no configuration yet")
        return PlainTextResponse(await anyio.to_thread.run_sync(make, desired))

    def _count(self, request: Request) -> None:
        """Refuse (429) what costs too much to be had in any number."""
        path = request.url.path
        before = self.allowances.get(path, Allowance(_EVERY_S, _AT_ONCE))
        now_s = self.clock()
        if not before.is_enough(now_s):
            raise HTTPException(429, f"{path} answers once a second", {"Retry-After": f"{_EVERY_S:.0f}"})
        self.allowances[path] = before.taken(now_s)


def make_endpoints(
    board: Board, view: ConfigView, asks: Asks, clock: Callable[[], float] = time.monotonic
) -> Starlette:
    """The ASGI app for HAProxy's side of milepost. `clock` gives seconds of any one monotonic clock."""
    made = _Endpoints(board, view, asks, clock)
    handlers: dict[str, Callable[[Request], Awaitable[Response]]] = {
        CONFIG: made.config,
        HOSTS: made.hosts,
        APPS: made.apps,
        PIDS: made.pids,
        FETCH: made.fetch,
        RELOAD: made.reload,
    }
    routes = [Route(path, handler, methods=["GET", "POST"]) for path, handler in handlers.items()]
    return Starlette(routes=routes, exception_handlers=_HANDLERS)


async def _refused(_: Request, error: HTTPException) -> Response:
    return PlainTextResponse(error.detail, error.status_code, error.headers)


async def _broken(_: Request, error: Exception) -> Response:
    """A fault of ours: the log has it in full."""
    return PlainTextResponse(f"milepost failed ({type(error).__name__}); its log says more", 500)


_HANDLERS: Mapping[Any, Any] = {HTTPException: _refused, Exception: _broken}
