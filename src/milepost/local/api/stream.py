"""`/v2/events`: the event stream (marathon-api 11)."""

import time
from collections.abc import Callable

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from milepost.local.engine import Engine
from milepost.local.protocol import ABORT
from milepost.local.scheduler import events

MEDIA_TYPE = "text/event-stream"


class Events:
    """Hands out streams."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def routes(self) -> list[Route]:
        return [Route("/v2/events", self.read, methods=["GET"])]

    async def read(self, request: Request) -> Response:
        """A stream for who accepts one; the page that a browser gets instead is Marathon's way."""
        if MEDIA_TYPE not in request.headers.get("accept", ""):
            return HTMLResponse(f"<h1>405</h1><p>Send the header Accept: {MEDIA_TYPE}.</p>", 405)
        return EventStream(self._engine, request)


class EventStream(Response):
    """One listener's answer. It ends with the connection, when it is too slow, or when the server stops."""

    def __init__(self, engine: Engine, request: Request) -> None:
        super().__init__(media_type=f"{MEDIA_TYPE};charset=utf-8")
        del self.headers["content-length"]
        self.headers["connection"] = "close"
        self._engine = engine
        self._remote = request.client.host if request.client else ""
        types = request.query_params.getlist("event_type")
        self._types = frozenset(types) if types else None
        self._light = request.query_params.get("plan-format") == "light"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with anyio.create_task_group() as group:
            group.start_soon(self._until_gone, receive, group.cancel_scope)
            await self._send_frames(send, _abort(scope))
            group.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_frames(self, send: Send, abort: Callable[[], None]) -> None:
        with self._engine.hub.listening(self._types, abort, light=self._light) as frames:
            self._tell("event_stream_attached")
            try:
                async for data in frames:
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            finally:
                self._tell("event_stream_detached")

    async def _until_gone(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    def _tell(self, kind: str) -> None:
        self._engine.emit(events.event(kind, time.time(), remoteAddress=self._remote))


def _abort(scope: Scope) -> Callable[[], None]:
    """How to cut this connection; without a server that tells (see `protocol`) there is none to cut."""
    abort: Callable[[], None] = scope.get("extensions", {}).get(ABORT, {}).get("call", lambda: None)
    return abort
