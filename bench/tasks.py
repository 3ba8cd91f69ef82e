"""The tasks of a bench: sockets on loopback addresses that answer every request with their own name."""

import asyncio


class AnsweringTasks:
    """Listens at each address it is given, at one port, until it is closed."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []

    async def listen(self, name: str, host: str, port: int) -> None:
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    writer.write(answer)
            except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
                pass  # the other side, or the bench, has come to its end
            finally:
                writer.close()

        self._servers.append(await asyncio.start_server(serve, host, port))

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
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        body = await self._reader.readexactly(length)
        return body.decode() if b" 200 " in head.partition(b"\r\n")[0] else ""

    def close(self) -> None:
        self._writer.close()
