"""Tasks that answer and clients that keep asking, in HTTP/1.1 on loopback, small enough to be believed."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream


@dataclass
class FakeTask:
    """A server that answers every request with its own port. While `gate` is not set, requests wait for it."""

    port: int
    gate: anyio.Event = field(default_factory=anyio.Event)
    requests: int = 0

    async def _serve(self, stream: SocketStream) -> None:
        async with stream:
            reader = BufferedByteReceiveStream(stream)
            try:
                while True:
                    await reader.receive_until(b"\r\n\r\n", 65_536)
                    self.requests += 1
                    await self.gate.wait()
                    body = str(self.port).encode()
                    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                return


@asynccontextmanager
async def fake_tasks(count: int, *, held: bool = False) -> AsyncIterator[list[FakeTask]]:
    """`count` tasks on free ports. With `held` they answer only once their gate is set."""
    async with AsyncExitStack() as listeners, anyio.create_task_group() as group:
        tasks = []
        for _ in range(count):
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            await listeners.enter_async_context(listener)
            task = FakeTask(listener.extra(SocketAttribute.local_port))
            if not held:
                task.gate.set()
            group.start_soon(listener.serve, task._serve)
            tasks.append(task)
        yield tasks
        group.cancel_scope.cancel()


@dataclass
class Answer:
    """`is_last`: the server ends the connection behind it."""

    status: int
    body: str
    is_last: bool


async def ask(stream: ByteStream, reader: BufferedByteReceiveStream, host: str, path: str = "/") -> Answer:
    """One request on an open connection. Raises EndOfStream or IncompleteRead where the answer is not whole."""
    await stream.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    head = (await reader.receive_until(b"\r\n\r\n", 65_536)).decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:])
    body = await reader.receive_exactly(int(headers.get("content-length", 0)))
    return Answer(int(head[0].split()[1]), body.decode(), headers.get("connection") == "close")


async def get(port: int, host: str = "any.example", path: str = "/") -> Answer:
    """One request on a connection of its own."""
    with anyio.fail_after(5):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            return await ask(stream, BufferedByteReceiveStream(stream), host, path)


@dataclass
class Clients:
    """What the clients saw: answers by body, and what failed, in words."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def has(self, body: object, count: int) -> bool:
        """Whether at least `count` answers were `body`."""
        return self.answers[str(body)] >= count

    async def _keep_asking(self, port: int) -> None:
        while True:
            try:
                async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                    await self._ask_on(stream)
            except (OSError, anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError) as error:
                self.failures.append(repr(error))
                await anyio.sleep(0.001)

    async def _ask_on(self, stream: SocketStream) -> None:
        reader = BufferedByteReceiveStream(stream)
        is_last = False
        while not is_last:
            answer = await ask(stream, reader, "any.example")
            is_last = answer.is_last
            if answer.status == 200:
                self.answers[answer.body] += 1
            else:
                self.failures.append(f"status {answer.status}")
            await anyio.sleep(0.001)


@asynccontextmanager
async def clients(port: int, count: int = 4) -> AsyncIterator[Clients]:
    """`count` clients with kept-alive connections that ask without a break until the block ends."""
    seen = Clients()
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(seen._keep_asking, port)
        yield seen
        group.cancel_scope.cancel()
