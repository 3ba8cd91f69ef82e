"""The tasks of a bench: sockets on loopback addresses that answer every request with their own name."""

import asyncio
import math
import time

from milepost.errors import MilepostError

END = b"\r\n\r\n"


class AnsweringTask:
    """What one task has heard. `asked_s` is the monotonic time of its last request, -inf before the first."""

    def __init__(self, name: str) -> None:
        self.requests, self.asked_s = 0, -math.inf
        self.answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode()


class _Connection(asyncio.Protocol):
    """Its requests have no body."""

    def __init__(self, task: AnsweringTask) -> None:
        self._task, self._heard = task, b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        *requests, self._heard = (self._heard + data).split(END)
        self._task.requests += len(requests)
        self._task.asked_s = time.monotonic()
        self._transport.write(self._task.answer * len(requests))


class AnsweringTasks:
    """Listens at each address it is given, until it is closed."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []

    async def listen(self, name: str, host: str, port: int) -> AnsweringTask:
        """Raises MilepostError where the address is taken."""
        task, loop = AnsweringTask(name), asyncio.get_running_loop()
        try:
            self._servers.append(await loop.create_server(lambda: _Connection(task), host, port))
        except OSError as error:
            raise MilepostError(f"no task can listen at {host}:{port}: {error.strerror}") from error
        return task

    def close(self) -> None:
        for server in self._servers:
            server.close()


class Asking:
    """One kept connection to a service; `ask` returns the name of the task that answered, "" for an error status."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, host: str, port: int) -> "Asking":
        return cls(*await asyncio.open_connection(host, port))

    async def ask(self) -> str:
        self._writer.write(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
        head = await self._reader.readuntil(END)
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        body = await self._reader.readexactly(length)
        return body.decode() if b" 200 " in head.partition(b"\r\n")[0] else ""

    async def timed(self) -> float:
        """Seconds that a plain request takes, on a connection that has carried one: the noise of the machine."""
        await self.ask()
        asked_s = time.monotonic()
        await self.ask()
        return time.monotonic() - asked_s

    def close(self) -> None:
        self._writer.close()
