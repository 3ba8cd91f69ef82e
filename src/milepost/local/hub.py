"""The event stream's listeners, and the frames they get (marathon-api 11.1 to 11.4)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from milepost.local.scheduler.effects import EmitEvent
from milepost.local.scheduler.render import tree
from milepost.local.scheduler.tree import Trees

MAX_WAITING = 1024  # frames that may wait for a slow reader before its connection is closed
KEEP_ALIVE_S = 10.0
KEEP_ALIVE = b"\r\n"


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """One open stream: the event types it asked for (None: all), and whether it wants plans without trees."""

    types: frozenset[str] | None
    light: bool
    frames: MemoryObjectSendStream[bytes]
    abort: Callable[[], None]


class Hub:
    """Hands each event to all listeners that asked for it. Never waits: who cannot keep up is disconnected."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    @contextmanager
    def listening(
        self, types: frozenset[str] | None, abort: Callable[[], None], *, light: bool
    ) -> Iterator[MemoryObjectReceiveStream[bytes]]:
        """Frames from now on. `abort` must cut the connection at once; the stream of frames then ends."""
        send, receive = anyio.create_memory_object_stream[bytes](MAX_WAITING)
        listener = Listener(types, light, send, abort)
        self._listeners.add(listener)
        with receive:
            try:
                yield receive
            finally:
                self._drop(listener)

    def publish(self, event: EmitEvent) -> None:
        """Encoded at most once for each of the two forms of a plan."""
        frames: dict[bool, bytes] = {}
        for listener in list(self._listeners):
            if listener.types is None or event.type in listener.types:
                light = listener.light or event.trees is None
                if light not in frames:
                    frames[light] = frame(event, light=light)
                self._offer(listener, frames[light])

    def keep_alive(self) -> None:
        """One empty line to everybody, so that nobody takes a quiet stream for a dead one."""
        for listener in list(self._listeners):
            self._offer(listener, KEEP_ALIVE)

    def close(self) -> None:
        """End all streams; used when the server stops."""
        for listener in list(self._listeners):
            self._drop(listener)

    def _offer(self, listener: Listener, data: bytes) -> None:
        try:
            listener.frames.send_nowait(data)
        except anyio.WouldBlock:
            self._drop(listener)
            listener.abort()

    def _drop(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        listener.frames.close()


def frame(event: EmitEvent, *, light: bool) -> bytes:
    """The event as it goes over the wire: CRLF, one space after each colon, the JSON on one line."""
    body = dict(event.body)
    if event.trees and not light:
        body["plan"] = body["plan"] | _trees(event.trees)
    return b"event: " + event.type.encode() + b"\r\ndata: " + msgspec.json.encode(body) + b"\r\n\r\n"


def _trees(trees: Trees) -> dict[str, object]:
    return {
        "original": tree(trees.original),
        "target": tree(trees.target),
    }
