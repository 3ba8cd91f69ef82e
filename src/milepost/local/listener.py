"""The socket that the API listens on."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from milepost.errors import MilepostError

BACKLOG = 1024
REASONS = {errno.EADDRINUSE: "it is in use", errno.EACCES: "that needs more rights"}


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket: connections are accepted from here on, and answered as soon as a server runs.

    Raises MilepostError if the address cannot be had.
    """
    with bound(host, port) as listener:
        try:
            listener.listen(BACKLOG)
        except OSError as error:
            raise _refusal(host, port, error) from error
        yield listener


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that holds the address for us and refuses connections until it is told to listen.

    Raises MilepostError if the address cannot be had.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise _refusal(host, port, error) from error
    # with the protocol named, asyncio switches Nagle's algorithm off; without, an answer may take 40 ms more
    with socket.socket(family, kind, socket.IPPROTO_TCP) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(address)
        except OSError as error:
            raise _refusal(host, port, error) from error
        yield holder


def _refusal(host: str, port: int, error: OSError) -> MilepostError:
    reason = REASONS.get(error.errno or 0, error.strerror or str(error))
    return MilepostError(f"the local scheduler cannot listen on {host}:{port}: {reason}. Nothing was started.")
