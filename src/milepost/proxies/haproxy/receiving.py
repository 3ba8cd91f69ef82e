"""Receiving from a unix socket so that it may be given up at any moment."""

import anyio
from anyio.abc import SocketAttribute, SocketStream


async def receive(stream: SocketStream, most_bytes: int) -> bytes:
    """What has arrived, at most `most_bytes`. Raises anyio.EndOfStream and as `SocketStream.receive` does.

    It waits before it receives: where anyio's own waiting for a unix socket is cancelled in the instant in which
    something arrives, the event loop reports an error that is none.
    """
    raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - the linter takes it for a query of a database
    await anyio.wait_readable(raw)
    return await stream.receive(most_bytes)
