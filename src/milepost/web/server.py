"""Serving the API until cancelled, as one task among others."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import uvicorn
from starlette.applications import Starlette

from milepost.errors import MilepostError
from milepost.proxies.haproxy.private_socket import private_socket

_GRACE_S = 1


class _Server(uvicorn.Server):
    """uvicorn as a guest: signals are the business of whoever runs the whole program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_web(
    app: Starlette, host: str, port: int, ready: Callable[[str, int], None] = lambda _host, _port: None
) -> None:
    """Serve `app` until cancelled; running requests get a second to end then.

    `ready` is called with the address in use once it listens (port 0 takes any free one). Raises MilepostError
    when the address cannot be had.
    """
    listener = _listener(host, port)
    address = listener.getsockname()
    await _serve_at(app, listener, lambda: ready(address[0], address[1]))


async def serve_unix(app: Starlette, path: Path, owner: int) -> None:
    """Serve `app` at the unix socket `path` until cancelled, likewise: for processes of the user `owner` (uid) alone.

    Whatever lies there is replaced. Raises MilepostError when the socket cannot be had.
    """
    try:
        listener = private_socket(path, owner, socket.SOCK_STREAM)
    except OSError as error:
        raise MilepostError(f"milepost cannot listen at {path}: {error.strerror or error}") from error
    await _serve_at(app, listener, lambda: None)


async def _serve_at(app: Starlette, listener: socket.socket, ready: Callable[[], None]) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)
    with listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_serve, server, listener)
            try:
                ready()
                await anyio.sleep_forever()
            finally:
                server.should_exit = True


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    # Cancelling it half-way would leave connections open: it ends by `should_exit`, in order.
    with anyio.CancelScope(shield=True):
        await server.serve(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    """A listening socket; bound here, since uvicorn would end the process where it cannot bind."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small answers at once; without it, it does not know that this is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise MilepostError(
            f"web.listen: the HTTP API cannot listen on {host} port {port}: {error.strerror or error}. "
            "Choose another address with --web-listen HOST:PORT; an empty one switches the API off."
        ) from error
    return listener
