"""Clients' connections, small enough to be believed: HTTP/1.1, over TLS too, and websockets. HTTP/2 is in `h2`."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Protocol, Self

NO_CHECK = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
NO_CHECK.check_hostname = False
NO_CHECK.verify_mode = ssl.CERT_NONE


class Lost(Exception):
    """A request that got no answer, or another one than 200."""


class Unheard(Exception):
    """The other side said that it has not looked at the request: it is asked again on another connection."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where an app is reached: at its service port, or by host name over TLS."""

    app_id: str
    address: str
    port: int
    host: str
    tls: bool = False


class Link(Protocol):
    """A connection. `number` is that of the request by which the task knows what it is asked on it."""

    number: int

    @property
    def is_over(self) -> bool:
        """Whether the other side has ended it, as far as it was heard."""

    async def ask(self, number: int) -> str:
        """The answer's text. Raises Lost, Unheard, OSError or EOFError."""

    def close(self) -> None: ...


class Http1:
    """Requests one after another."""

    method = "GET"
    body = ""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, door: Door) -> None:
        self._reader, self._writer, self._door = reader, writer, door
        self._is_last = False
        self.number = 0

    @classmethod
    async def connect(cls, door: Door) -> Self:
        tls = NO_CHECK if door.tls else None
        return cls(*await asyncio.open_connection(door.address, door.port, ssl=tls), door)

    @property
    def is_over(self) -> bool:
        return self._is_last or self._reader.at_eof()

    async def ask(self, number: int) -> str:
        self.number = number
        length = f"Content-Length: {len(self.body)}\r\n" if self.body else ""
        self._writer.write(
            f"{self.method} /r/{number} HTTP/1.1\r\nHost: {self._door.host}\r\n{length}\r\n{self.body}".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        self._is_last = headers.get("connection") == "close"
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        if " 200 " not in head[0]:
            raise Lost(head[0])
        return body.decode()

    def close(self) -> None:
        self._writer.close()


class Post(Http1):
    """The same with a method that must not be sent again."""

    method = "POST"
    body = "once only"


class Websocket(Http1):
    """The first question opens the tunnel; each then is a message."""

    async def ask(self, number: int) -> str:
        if not self.number:
            self.number = number
            await self._open()
        text = str(number).encode()
        self._writer.write(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)  # a mask of zeros changes nothing
        head = await self._reader.readexactly(2)
        return (await self._reader.readexactly(head[1])).decode()

    async def _open(self) -> None:
        self._writer.write(
            f"GET /r/{self.number} HTTP/1.1\r\nHost: {self._door.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c29hayBzb2FrIHNvYWsgIQ==\r\n\r\n".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        if " 101 " not in head.partition("\r\n")[0]:
            raise Lost(head.partition("\r\n")[0])
