"""Tasks that crash on demand."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import answer
from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine


class Crashes:
    """Kills a task's processes behind the scheduler's back, which then sees it fail."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def routes(self) -> list[Route]:
        return [Route("/tasks/{task_id}/crash", self.crash, methods=["POST"])]

    async def crash(self, request: Request) -> Response:
        task_id = request.path_params["task_id"]
        if not self._engine.crash(task_id):
            raise Refused(404, f"Task '{task_id}' does not exist")
        return answer({"crashed": task_id})
