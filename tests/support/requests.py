"""Single requests in HTTP/1.1 on loopback, with or without TLS, and a task that tells what it was asked."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream

ANSWER_WITH = "x-answer-location"
"""The request header whose value an echo sends back as `Location`."""


@dataclass
class Got:
    """An answer: names of headers are lowered, `body` is what the task saw where one was asked."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def seen(self) -> dict[str, str]:
        """The headers that the task saw, and under "" its request line."""
        first, *lines = self.body.split("\r\n")
        return {"": first, **_headers(lines)}


@dataclass
class Request:
    """What is asked at one host: its headers beside Host, and the address that the client has."""

    host: str
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: bool = False
    address: str = "127.0.0.1"

    async def to(self, port: int) -> Got:
        """Ask on a connection of its own at `port`. Raises anyio.EndOfStream or IncompleteRead without an answer."""
        with anyio.fail_after(5):
            async with await self._connected(port) as stream:
                headers = {"Host": self.host, "Connection": "close", **self.headers}
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                await stream.send(f"GET {self.path} HTTP/1.1\r\n{lines}\r\n".encode())
                return await _answer(BufferedByteReceiveStream(stream))

    async def _connected(self, port: int) -> ByteStream:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if not self.tls:
            return await anyio.connect_tcp(self.address, port)
        return await anyio.connect_tcp(self.address, port, ssl_context=context, tls_standard_compatible=False)


async def _answer(reader: BufferedByteReceiveStream) -> Got:
    first, *lines = (await reader.receive_until(b"\r\n\r\n", 65_536)).decode().split("\r\n")
    headers = _headers(lines)
    body = await reader.receive_exactly(int(headers.get("content-length", 0)))
    return Got(int(first.split()[1]), headers, body.decode())


def _headers(lines: list[str]) -> dict[str, str]:
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """The port of a task that answers with the head of the request as it came."""

    async def answer(stream: ByteStream) -> None:
        reader = BufferedByteReceiveStream(stream)
        async with stream:
            with suppress(anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
                while True:
                    head = await reader.receive_until(b"\r\n\r\n", 65_536)
                    wanted = _headers(head.decode().split("\r\n")[1:]).get(ANSWER_WITH)
                    location = f"Location: {wanted}\r\n".encode() if wanted else b""
                    await stream.send(
                        b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (location, len(head), head)
                    )

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()
