"""What a container writes, kept as its task's files `stdout` and `stderr`."""

from collections.abc import Iterator
from pathlib import Path

import anyio

from milepost.local.runtimes.docker.api import EngineApi, EngineError, EngineGone

HEADER = 8  # bytes before each piece: which stream, three zeros, four of length (the engine's API, "attach")
STREAMS = {1: "stdout", 2: "stderr"}


class Frames:
    """Takes the engine's one stream apart into the container's two."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, piece: bytes) -> Iterator[tuple[str, bytes]]:
        """(file, what belongs into it) of all that is complete."""
        data = self._rest + piece
        while len(data) >= HEADER:
            end = HEADER + int.from_bytes(data[4:HEADER])
            if len(data) < end:
                break
            yield STREAMS.get(data[0], "stdout"), data[HEADER:end]
            data = data[end:]
        self._rest = data


async def keep_output(api: EngineApi, name: str, sandbox: Path, *, tty: bool) -> None:
    """Add all that the container has written and will write until it ends. With a `tty` there is one stream only.

    A log driver that gives nothing back is told of in `stderr`.
    """
    params = {"follow": "1", "stdout": "1", "stderr": "1"}
    frames = Frames()
    try:
        async with (
            await anyio.open_file(sandbox / "stdout", "ab", buffering=0) as out,
            await anyio.open_file(sandbox / "stderr", "ab", buffering=0) as err,
        ):
            files = {"stdout": out, "stderr": err}
            try:
                async with api.stream("GET", f"/containers/{name}/logs", params=params) as pieces:
                    async for piece in pieces:
                        for file, data in [("stdout", piece)] if tty else frames.take(piece):
                            await files[file].write(data)
            except EngineError as error:
                await err.write(f"what the container writes is not kept: {error}\n".encode())
    except EngineGone:
        return  # who waits for the container's end hears of it too
