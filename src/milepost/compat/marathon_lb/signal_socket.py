"""A socket beside the configuration, at which HAProxy's Lua services say what a signal would (lua/signalmlb.lua).

marathon-lb's own searched for a process by its command line, and reached every one that looked so
(marathon-lb-behaviour.md 6).
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

NAME = "marathon-lb.sock"

_LONGEST_WORD = 16  # bytes
_PATIENCE_S = 5.0

_log = logging.getLogger(__name__)


async def serve_signals(path: Path, meanings: Mapping[str, Callable[[], None]]) -> None:
    """Do what each word means, until cancelled. Where nothing can listen there, that is told and all else goes on."""
    try:
        listener = await anyio.create_unix_listener(path, mode=0o600)
    except (OSError, ValueError) as error:
        _log.warning("no HAProxy can send signals here: %s: %s", path, error)
        return

    async def heed(stream: SocketStream) -> None:
        async with stream:
            with anyio.move_on_after(_PATIENCE_S):
                try:
                    word = await BufferedByteReceiveStream(stream).receive_until(b"\n", _LONGEST_WORD)
                    meaning = meanings.get(word.decode(errors="replace").strip())
                    if meaning is not None:
                        meaning()
                    await stream.send(b"ok\n" if meaning is not None else b"unknown\n")
                except (anyio.IncompleteRead, anyio.DelimiterNotFound, anyio.BrokenResourceError):
                    return

    try:
        async with listener:
            await listener.serve(heed)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.Path(path).unlink(missing_ok=True)
