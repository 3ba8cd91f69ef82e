"""What HAProxy logs, passed on to milepost's standard output (`haproxy.log = "stdout"`).

By the whole line, since a worker that a reload has replaced goes on beside its successor. Where standard output takes
no more, nothing is read either: HAProxy lets go of the oldest lines then, and neither it nor milepost waits.
"""

import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import anyio
from anyio import to_thread

from milepost.errors import MilepostError
from milepost.proxies.haproxy.private_socket import private_socket

_CHUNK = 65_536  # bytes


async def serve_log(path: Path, owner: int, write: Callable[[bytes], None] | None = None) -> None:
    """Take HAProxy's lines at the unix socket `path`, as the user `owner` (uid) sends them, until cancelled.

    `write` may block. Raises MilepostError when the socket cannot be had.
    """
    try:
        listener = private_socket(path, owner, socket.SOCK_STREAM)
    except OSError as error:
        raise MilepostError(f"milepost cannot listen at {path}: {error.strerror or error}") from error
    listener.setblocking(False)  # noqa: FBT003  # the socket's own word
    one_at_a_time = anyio.Lock()

    async def pass_on(connection: socket.socket) -> None:
        rest = b""
        with connection:
            async for chunk in _chunks(connection):
                lines, end, rest = (rest + chunk).rpartition(b"\n")
                async with one_at_a_time:
                    await to_thread.run_sync(write or _to_stdout, lines + end, abandon_on_cancel=True)

    with listener:
        async with anyio.create_task_group() as tasks:
            while True:
                await anyio.wait_readable(listener)
                with suppress(OSError):  # it may have gone again
                    tasks.start_soon(pass_on, listener.accept()[0])


async def _chunks(connection: socket.socket) -> AsyncIterator[bytes]:
    """What comes, until the other side ends it. anyio's own streams over unix sockets trip where one is cancelled just
    as something comes.
    """
    connection.setblocking(False)  # noqa: FBT003  # the socket's own word
    while True:
        await anyio.wait_readable(connection)
        try:
            chunk = connection.recv(_CHUNK)
        except BlockingIOError:
            continue
        except OSError:
            return
        if not chunk:
            return
        yield chunk


def _to_stdout(lines: bytes) -> None:
    with suppress(OSError):  # nobody reads it any more: that is no reason to end
        left = memoryview(lines)
        while left:
            left = left[os.write(sys.stdout.fileno(), left) :]
