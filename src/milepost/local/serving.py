"""Serving the API: until we leave, with times between when nobody answers."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

from milepost.local.hub import Hub
from milepost.local.listener import BACKLOG, bound
from milepost.local.outages import Outages
from milepost.local.protocol import StreamProtocol


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    host: str,
    hub: Hub,
    outages: Outages,
    leaving: anyio.Event,
    started: Callable[[], None],
) -> None:
    """Serve `app` on `listener`, which listens at `host`, until `leaving`; `started` is called once it answers.

    For the time of a restart its address is held and every connection refused.
    """
    port = listener.getsockname()[1]
    async with _serving(outages.over(app), listener, hub):
        started()
        away_s = await _next_restart(outages, leaving)
    while away_s is not None:
        with bound(host, port) as holder:
            with anyio.move_on_after(away_s):
                await leaving.wait()
            holder.listen(BACKLOG)
            async with _serving(outages.over(app), holder, hub):
                away_s = await _next_restart(outages, leaving)


async def _next_restart(outages: Outages, leaving: anyio.Event) -> float | None:
    """How many seconds we are to be away; None once we leave for good."""
    found: list[float] = []
    async with anyio.create_task_group() as group:

        async def restart() -> None:
            found.append(await outages.restart_asked_for())
            group.cancel_scope.cancel()

        group.start_soon(restart)
        await leaving.wait()
        group.cancel_scope.cancel()
    return found[0] if found and not leaving.is_set() else None


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs us decides when we end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serving(app: ASGIApp, listener: socket.socket, hub: Hub) -> AsyncIterator[None]:
    """Serve `app` on `listener` during the block."""
    config = uvicorn.Config(
        app,
        http=StreamProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)

    async def serve() -> None:
        with anyio.CancelScope(shield=True):  # it ends by `should_exit` only, and then in order
            await server.serve(sockets=[listener])

    async with anyio.create_task_group() as group:
        group.start_soon(serve)
        try:
            yield
        finally:
            hub.close()
            server.should_exit = True
