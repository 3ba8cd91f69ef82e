"""What tasks wrote to their standard output and standard error."""

from os import SEEK_END
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine
from milepost.local.runtimes.sandboxes import Sandboxes

NAMES = ("stdout", "stderr")
PIECE = 1 << 20  # bytes of one answer at most


class Outputs:
    """Reads the files that the runtime keeps of tasks."""

    def __init__(self, engine: Engine, sandboxes: Sandboxes) -> None:
        self._engine, self._sandboxes = engine, sandboxes

    def routes(self) -> list[Route]:
        return [Route("/tasks/{task_id}/output/{name}", self.read, methods=["GET"])]

    async def read(self, request: Request) -> Response:
        """At most a piece from byte `from` on, or from as many before the end if that is below 0.

        `Output-From` tells where the piece begins; `Task-Ended: true` comes once nothing more will be written.
        """
        task_id, name = request.path_params["task_id"], request.path_params["name"]
        is_ended = not self._engine.runs(task_id)  # asked before reading: what it wrote last is then there
        folder = self._sandboxes.kept(task_id)
        if name not in NAMES or (folder is None and is_ended):
            raise Refused(404, f"No {name} of task '{task_id}' is kept")
        start, data = await _piece(folder / name, _start(request)) if folder else (0, b"")
        headers = {"Task-Ended": str(is_ended).lower(), "Output-From": str(start)}
        return Response(data, headers=headers, media_type="application/octet-stream")


def _start(request: Request) -> int:
    given = request.query_params.get("from", "0")
    if not given.removeprefix("-").isdecimal() or len(given) > 18:
        raise Refused(400, f"from must be a number of bytes, got '{given}'")
    return int(given)


async def _piece(path: Path, start: int) -> tuple[int, bytes]:
    """Where it begins, and the piece."""
    try:
        async with await anyio.open_file(path, "rb") as file:
            size = await file.seek(0, SEEK_END)
            start = max(0, size + start) if start < 0 else start
            await file.seek(start)
            return start, await file.read(PIECE)
    except FileNotFoundError:
        return 0, b""
