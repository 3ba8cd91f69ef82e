"""Tasks that tell what they were asked, and clients that ask them through a balancer."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSListener, TLSStream


@dataclass(frozen=True)
class Told:
    """An answer: its status, and what the task was asked. Nothing but the status where no task was."""

    status: int
    task: int = 0
    target: str = ""
    headers: Mapping[str, list[str]] | None = None

    def header(self, name: str) -> list[str]:
        return (self.headers or {}).get(name, [])


@asynccontextmanager
async def echo_task(*, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A task on a free port, which it gives. With `tls` it speaks nothing else."""
    listener = await anyio.create_tcp_listener(local_host=host)
    port = listener.extra(SocketAttribute.local_port)

    async def answer(stream: ByteStream) -> None:
        incoming = BufferedByteReceiveStream(stream)
        async with stream:
            with suppress(anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                while True:
                    await stream.send(_told(port, (await incoming.receive_until(b"\r\n\r\n", 65_536)).decode()))

    served = TLSListener(listener, tls, standard_compatible=False) if tls else listener
    async with served, anyio.create_task_group() as group:
        group.start_soon(served.serve, answer)
        yield port
        group.cancel_scope.cancel()


def _told(port: int, head: str) -> bytes:
    line, *lines = head.split("\r\n")
    headers: dict[str, list[str]] = {}
    for name, value in (one.split(": ", 1) for one in lines):
        headers.setdefault(name.lower(), []).append(value)
    body = json.dumps({"task": port, "target": line.split()[1], "headers": headers}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def ask(
    port: int,
    host: str = "any.example",
    target: str = "/",
    *headers: str,
    address: str = "127.0.0.1",
    before: bytes = b"",
    tls: bool = False,
) -> Told:
    """One request on a connection of its own. `before` is sent first: a PROXY header."""
    with anyio.fail_after(10):
        async with await anyio.connect_tcp(address, port) as connection:
            if before:
                await connection.send(before)
            stream: ByteStream = await _over_tls(connection, host) if tls else connection
            return await tell(stream, host, target, *headers)


async def tell(stream: ByteStream, host: str, target: str = "/", *headers: str) -> Told:
    """One request on an open connection."""
    await stream.send("\r\n".join((f"GET {target} HTTP/1.1", f"Host: {host}", *headers, "", "")).encode())
    incoming = BufferedByteReceiveStream(stream)
    head = (await incoming.receive_until(b"\r\n\r\n", 65_536)).decode().lower()
    status = int(head.split()[1])
    if status != 200:
        return Told(status)
    sizes = [line for line in head.split("\r\n") if line.startswith("content-length: ")]
    told: dict[str, Any] = json.loads(await incoming.receive_exactly(int(sizes[0].split()[1])))
    return Told(status, **told)


async def _over_tls(connection: ByteStream, host: str) -> ByteStream:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return await TLSStream.wrap(connection, hostname=host, ssl_context=context, standard_compatible=False)
