"""GET over connections that stay open: the one request that is made for every change, with as little as it takes.

A whole HTTP client takes 0.9 ms of CPU for each of them, the protocol's state machine alone 0.3 ms
(docs/decisions/reads-of-one-app.md). What is no plain answer is not decided here: whoever asked asks again with the
whole client.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
import h11
from anyio.abc import ByteStream

_CHUNK = 65_536  # bytes
_BROKEN = (h11.ProtocolError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
_IDLE = 8  # connections kept; more reads than these run side by side only in a burst


class NoPlainAnswer(Exception):
    """The connection ended, or what came is no whole HTTP answer of a size that is wanted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`content_type` is lowered and without parameters."""

    status: int
    content_type: str
    body: bytes


@dataclass(slots=True)
class _Kept:
    stream: ByteStream
    http: h11.Connection


class KeptConnections:
    """Connections to one origin (`http://host:port`), each for one request at a time."""

    def __init__(self, origin: str, tls: ssl.SSLContext, max_bytes: int) -> None:
        parts = urlsplit(origin)
        self._host, self._is_tls = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._is_tls else 80)
        self._place = parts.netloc
        self._tls, self._max_bytes = tls, max_bytes
        self._idle: list[_Kept] = []

    async def get(self, target: str, headers: Mapping[str, str]) -> Answer:
        """Raises NoPlainAnswer, also where a kept connection turns out to be closed: nothing is tried twice here."""
        kept = self._idle.pop() if self._idle else await self._connect()
        is_reusable = False
        try:
            answer = await self._exchange(kept, target, headers)
            is_reusable = len(self._idle) < _IDLE and kept.http.their_state is h11.DONE
            if is_reusable:
                kept.http.start_next_cycle()
        except _BROKEN as error:
            raise NoPlainAnswer(str(error) or type(error).__name__) from error
        finally:
            if is_reusable:
                self._idle.append(kept)
            else:
                await anyio.aclose_forcefully(kept.stream)
        return answer

    async def aclose(self) -> None:
        """Close what is idle, also for one who is just being cancelled."""
        with anyio.CancelScope(shield=True):
            while self._idle:
                await anyio.aclose_forcefully(self._idle.pop().stream)

    async def _connect(self) -> _Kept:
        try:
            if self._is_tls:
                stream: ByteStream = await anyio.connect_tcp(
                    self._host, self._port, ssl_context=self._tls, tls_standard_compatible=False
                )
            else:
                stream = await anyio.connect_tcp(self._host, self._port)
        except (OSError, ssl.SSLError) as error:
            raise NoPlainAnswer(str(error)) from error
        return _Kept(stream, h11.Connection(h11.CLIENT))

    async def _exchange(self, kept: _Kept, target: str, headers: Mapping[str, str]) -> Answer:
        http = kept.http
        sent = [("Host", self._place), *headers.items()]
        head = http.send(h11.Request(method="GET", target=target, headers=sent))
        await kept.stream.send(head + http.send(h11.EndOfMessage()))
        status, content_type, parts, size = 0, "", [], 0
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await kept.stream.receive(_CHUNK))
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > self._max_bytes:
                    raise NoPlainAnswer(f"more than {self._max_bytes} bytes")
                parts.append(bytes(event.data))
            elif isinstance(event, h11.Response):
                status, content_type = event.status_code, _content_type(event)
            elif isinstance(event, h11.EndOfMessage):
                return Answer(status, content_type, b"".join(parts))
            elif not isinstance(event, h11.InformationalResponse):
                raise NoPlainAnswer("the connection was closed")


def _content_type(response: h11.Response) -> str:
    found = next((value for name, value in response.headers if name == b"content-type"), b"")
    return found.decode("latin-1").partition(";")[0].strip().lower()
