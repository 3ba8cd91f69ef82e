"""What a container writes, kept as its task's files `stdout` and `stderr`."""

from pathlib import Path

import anyio

from milepost.local.runtimes.docker.api import EngineApi, EngineError, EngineGone

HEADER = 8  # bytes before each piece: which stream, three zeros, four of length (the engine's API, "attach")
STREAMS = {1: "stdout", 2: "stderr"}


class Frames:
    """Takes the engine's one stream apart into the container's two."""

    def __init__(self) -> None:
        self._rest = b""  # less than a header
        self._file, self._wanted = "stdout", 0  # of the frame that is being read

    def take(self, piece: bytes) -> dict[str, bytes]:
        """What of the piece belongs into which file."""
        data, at = self._rest + piece, 0
        found: dict[str, list[bytes]] = {}
        while (self._wanted and at < len(data)) or len(data) - at >= HEADER:
            if not self._wanted:
                self._file = STREAMS.get(data[at], "stdout")
                self._wanted = int.from_bytes(data[at + 4 : at + HEADER])
                at += HEADER
            here = data[at : at + self._wanted]
            found.setdefault(self._file, []).append(here)
            at, self._wanted = at + len(here), self._wanted - len(here)
        self._rest = data[at:]
        return {file: b"".join(parts) for file, parts in found.items()}


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
                        for file, data in ({"stdout": piece} if tty else frames.take(piece)).items():
                            await files[file].write(data)
            except EngineError as error:
                await err.write(f"what the container writes is not kept: {error}\n".encode())
    except EngineGone:
        return  # who waits for the container's end hears of it too
