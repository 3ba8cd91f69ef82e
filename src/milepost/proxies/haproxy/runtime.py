"""The admin socket of the running worker: one kept-open connection in prompt mode (management guide 9.3).

Each command is answered by its text and a prompt; prompts are counted, one per command. A connection stays with
the worker that took it: after a reload it leads to the old one, where commands are lost. So whoever changes
something asks `show info` behind it and drops the connection where that says that the worker stops.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
from anyio.abc import SocketStream

from milepost.errors import ProxyError, ProxyGone
from milepost.proxies.haproxy.receiving import receive

_PROMPT = b"\n> "
_BATCH_BYTES = 16_384  # less than a socket buffers: sending it never waits for answers to be read
_CHUNK_BYTES = 262_144


class AdminSocket:
    """Asks one HAProxy worker at a time. Connects when needed; any failure closes the connection.

    `timeout_s` is for each wait: for the connection and for each piece of an answer.
    """

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._stream: SocketStream | None = None
        self._lock = anyio.Lock()

    async def ask(self, commands: Sequence[str]) -> list[str]:
        """Send all commands, pipelined, and return their answers in order, without blanks around.

        Raises ProxyGone where nothing answers or the worker closed, ProxyError where an answer took too long.
        """
        async with self._lock:
            with self._told():
                try:
                    stream = self._stream or await self._connect()
                    return [answer for batch in _batches(commands) for answer in await self._exchange(stream, batch)]
                except BaseException:
                    await self._drop()  # answers to come belong to no later question
                    raise

    async def close(self) -> None:
        """End the connection: an open one keeps an old worker alive."""
        async with self._lock:
            await self._drop()

    async def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)

    async def _connect(self) -> SocketStream:
        with anyio.fail_after(self._timeout_s):
            self._stream = stream = await anyio.connect_unix(self.path)
        await self._exchange(stream, ["prompt"])
        await self._exchange(stream, ["set timeout cli 1h"])
        return stream

    async def _exchange(self, stream: SocketStream, commands: Sequence[str]) -> list[str]:
        with anyio.fail_after(self._timeout_s):
            await stream.send("".join(f"{command}\n" for command in commands).encode())
        received = bytearray()
        answers: list[str] = []
        while len(answers) < len(commands):
            with anyio.fail_after(self._timeout_s):
                chunk = await receive(stream, _CHUNK_BYTES)
            searched = max(0, len(received) - len(_PROMPT))
            received += chunk
            while (end := received.find(_PROMPT, searched)) >= 0:
                answers.append(_without_echo(received[:end].decode(errors="replace").strip()))
                del received[: end + len(_PROMPT)]
                searched = 0
        return answers

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise ProxyError(
                f"HAProxy did not answer within {self._timeout_s:g} s at its admin socket {self.path}; "
                "what it serves is unknown until it does"
            ) from error
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
            raise ProxyGone(f"no HAProxy answers at its admin socket {self.path}: {_words(error)}") from error


def _without_echo(answer: str) -> str:
    """Each line of a payload is answered by a prompt of its own."""
    while answer.startswith("+ "):
        answer = answer[2:]
    return answer


def _batches(commands: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for command in commands:
        if batch and size + len(command) > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(command)
        size += len(command) + 1
    if batch:
        yield batch


def _words(error: BaseException) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "the connection was closed"
