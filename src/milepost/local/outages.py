"""Times without Marathon on demand: it restarts, or has no leader. Its tasks run on (marathon-api 6.15, 7, 11.5)."""

from math import inf

import anyio
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from milepost.local.hub import Hub

LEADERLESS = "Could not determine the current leader"
OWN_PATHS = "/local"


class Outages:
    """What is asked for from outside, and whether it is so now. Event streams are cut by both."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._leader_back_at_s = -inf
        self._restart = anyio.Event()
        self._restart_s = 0.0

    def restart(self, seconds: float) -> None:
        """Be away: no connection is taken for this time."""
        self._restart_s = seconds
        self._restart.set()

    def lose_leader(self, seconds: float) -> None:
        """Be there, but without a leader, who alone can answer, for this time."""
        self._leader_back_at_s = anyio.current_time() + seconds
        self._hub.close()

    async def restart_asked_for(self) -> float:
        """Wait until a restart is asked for; how many seconds it is to take."""
        await self._restart.wait()
        self._restart = anyio.Event()
        return self._restart_s

    def over(self, app: ASGIApp) -> ASGIApp:
        """`app` as it answers with and without a leader; our own paths below `/local` need none."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            has_leader = anyio.current_time() >= self._leader_back_at_s
            if has_leader or scope["type"] != "http" or scope["path"].startswith(f"{OWN_PATHS}/"):
                await app(scope, receive, send)
            elif scope["path"].rstrip("/") == "/v2/leader":
                await JSONResponse({"message": "There is no leader"}, 404)(scope, receive, send)
            else:
                await JSONResponse({"message": LEADERLESS}, 502)(scope, receive, send)

        return answer
