"""One client that asks again and again over one kept connection, and notes how long each answer takes."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator


class Asking:
    """`took_s` has an entry for each answer so far; `take` hands them over and begins anew."""

    def __init__(self, host: str, port: int, path: str, every_s: float) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
        self._at, self._every_s = (host, port), every_s
        self._took_s: list[float] = []

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator["Asking"]:
        """Ask during the block."""
        reader, writer = await asyncio.open_connection(*self._at)
        asking = asyncio.create_task(self._ask(reader, writer))
        try:
            yield self
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            writer.close()

    async def until_answered(self) -> None:
        """Wait until there is an answer to hand over."""
        while not self._took_s:
            await asyncio.sleep(self._every_s)

    def take(self) -> list[float]:
        """The answers since the last call, in seconds each."""
        taken, self._took_s = self._took_s, []
        return taken

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            begun_s = time.perf_counter()
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            assert length is not None, head
            await reader.readexactly(int(length[1]))
            self._took_s.append(time.perf_counter() - begun_s)
            await asyncio.sleep(self._every_s)
