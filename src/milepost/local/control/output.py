"""What tasks wrote to their standard output and standard error."""

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
        """At most a piece from byte `from` on; `Task-Ended: true` once nothing more will be written."""
        task_id, name = request.path_params["task_id"], request.path_params["name"]
        is_ended = not self._engine.runs(task_id)  # asked before reading: what it wrote last is then there
        folder = self._sandboxes.kept(task_id)
        if name not in NAMES or (folder is None and is_ended):
            raise Refused(404, f"No {name} of task '{task_id}' is kept")
        data = await _piece(folder / name, _start(request)) if folder else b""
        headers = {"Task-Ended": str(is_ended).lower()}
        return Response(data, headers=headers, media_type="application/octet-stream")


def _start(request: Request) -> int:
    given = request.query_params.get("from", "0")
    if not given.isdecimal() or len(given) > 18:
        raise Refused(400, f"from must be a number of bytes, got '{given}'")
    return int(given)


async def _piece(path: Path, start: int) -> bytes:
    try:
        async with await anyio.open_file(path, "rb") as file:
            await file.seek(start)
            return await file.read(PIECE)
    except FileNotFoundError:
        return b""
