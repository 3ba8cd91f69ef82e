"""An HTTP/2 client that knows what it needs (RFC 9113): one request at a time, short headers, short answers."""

import asyncio
import ssl
import struct
from typing import Self

from bench.soak.links import Door, Lost, Unheard

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_REFUSED_STREAM = 7
_STATUS_200 = 0x88  # of HPACK's static table
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


_TLS = _tls()


class Http2:
    """A connection on which a task of its own hears what the other side says, also between requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, door: Door) -> None:
        self._reader, self._writer, self._door = reader, writer, door
        self._stream, self._last = -1, 1 << 31
        self._status, self._body = 0, b""
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_over = False
        self.number = 0
        writer.write(_PREFACE + _frame(_SETTINGS, 0, 0))
        self._hearing = asyncio.create_task(self._hear())

    @classmethod
    async def connect(cls, door: Door) -> Self:
        """By prior knowledge, whether or not TLS named the protocol: HAProxy knows the preface."""
        tls = _TLS if door.tls else None
        return cls(*await asyncio.open_connection(door.address, door.port, ssl=tls), door)

    async def ask(self, number: int) -> str:
        self.number = number
        self._stream += 2
        self._status, self._body = 0, b""
        self._answer = asyncio.get_running_loop().create_future()
        self._writer.write(_frame(_HEADERS, _END_STREAM | _END_HEADERS, self._stream, self._head()))
        return await self._answer

    def close(self) -> None:
        self._hearing.cancel()
        self._writer.close()

    def _head(self) -> bytes:
        """GET, https or http, path and authority, none of them remembered or compressed (RFC 7541 6.2.2)."""
        path, host = f"/r/{self.number}".encode(), self._door.host.encode()
        scheme = b"\x87" if self._door.tls else b"\x86"
        return b"\x82" + scheme + bytes((4, len(path))) + path + bytes((1, len(host))) + host

    async def _hear(self) -> None:
        try:
            while True:
                head = await self._reader.readexactly(9)
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                self._heed(kind, flags, stream, await self._reader.readexactly(int.from_bytes(head[:3])))
        except (EOFError, OSError) as error:
            self.is_over = True
            self._settle(error)

    def _heed(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _SETTINGS and not flags & _ACK:
            self._writer.write(_frame(_SETTINGS, _ACK, 0))
        elif kind == _PING and not flags & _ACK:
            self._writer.write(_frame(_PING, _ACK, 0, payload))
        elif kind == _GOAWAY:
            self.is_over = True
            if self._stream > int.from_bytes(payload[:4]):
                self._settle(Unheard())
        elif kind in (_DATA, _HEADERS, _RST_STREAM) and stream == self._stream:
            self._heed_answer(kind, flags, payload)

    def _heed_answer(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == _RST_STREAM:
            code = int.from_bytes(payload)
            self._settle(Unheard() if code == _REFUSED_STREAM else Lost(f"stream reset with code {code}"))
        elif kind == _HEADERS:
            self._status = payload[0]
        elif payload:
            self._body += payload
            self._writer.write(_frame(_WINDOW_UPDATE, 0, 0, len(payload).to_bytes(4)))
        if flags & _END_STREAM and kind != _RST_STREAM:
            is_ok = self._status == _STATUS_200
            self._settle(self._body.decode() if is_ok else Lost(f"status {self._status:#x} {self._body.decode()!r}"))

    def _settle(self, answer: str | Exception) -> None:
        if self._answer.done():
            return
        if isinstance(answer, str):
            self._answer.set_result(answer)
        elif self._stream > 0:
            self._answer.set_exception(answer)


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + struct.pack(">BBI", kind, flags, stream) + payload
