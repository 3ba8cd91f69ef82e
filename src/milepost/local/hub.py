"""The event stream's listeners, and the frames they get (marathon-api 11.1 to 11.4)."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import msgspec
from anyio.abc import ObjectReceiveStream

from milepost.local.scheduler.effects import EmitEvent
from milepost.local.scheduler.render import tree
from milepost.local.scheduler.tree import Trees

MAX_WAITING = 16 << 20  # bytes; a reader for whom more wait, the oldest for longer than `PATIENCE_S`, is cut off
PATIENCE_S = 5.0
KEEP_ALIVE_S = 10.0
KEEP_ALIVE = b"\r\n"


@dataclass(slots=True, eq=False)
class Listener(ObjectReceiveStream[bytes]):
    """One open stream: the event types it asked for (None: all), and whether it wants plans without trees.

    It gives the frames as they come, and ends once it was dropped and all of them were taken.
    """

    types: frozenset[str] | None
    light: bool
    abort: Callable[[], None]
    _waiting: deque[tuple[float, bytes]] = field(default_factory=deque)
    _bytes: int = 0
    _news: anyio.Event = field(default_factory=anyio.Event)
    _ended: bool = False

    def is_behind(self, now_s: float) -> bool:
        """Too much waits for it, and has waited for too long: one burst of events, however large, is not its fault."""
        return self._bytes > MAX_WAITING and now_s - self._waiting[0][0] > PATIENCE_S

    def add(self, data: bytes, now_s: float) -> None:
        self._waiting.append((now_s, data))
        self._bytes += len(data)
        self._news.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._news.set()

    async def aclose(self) -> None:
        self.end()

    async def receive(self) -> bytes:
        """The next frame. Raises anyio.EndOfStream when none comes any more."""
        await anyio.lowlevel.checkpoint()  # a long row of frames is no reason to answer nobody else
        while not self._waiting and not self._ended:
            self._news = anyio.Event()
            await self._news.wait()
        return self.receive_nowait()

    def receive_nowait(self) -> bytes:
        """The next frame. Raises anyio.WouldBlock while there is none, EndOfStream when none comes any more."""
        if not self._waiting:
            raise anyio.EndOfStream if self._ended else anyio.WouldBlock
        _, data = self._waiting.popleft()
        self._bytes -= len(data)
        return data


class Hub:
    """Hands each event to all listeners that asked for it. Never waits: who cannot keep up is disconnected."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._listeners: set[Listener] = set()
        self._clock = clock

    @contextmanager
    def listening(self, types: frozenset[str] | None, abort: Callable[[], None], *, light: bool) -> Iterator[Listener]:
        """Frames from now on. `abort` must cut the connection at once; the frames then end."""
        listener = Listener(types, light, abort)
        self._listeners.add(listener)
        try:
            yield listener
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
        now_s = self._clock()
        if listener.is_behind(now_s):
            self._drop(listener)
            listener.abort()
        else:
            listener.add(data, now_s)

    def _drop(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        listener.end()


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
