"""`/v2/tasks` (marathon-api 6.9, 6.11)."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import answer
from milepost.local.api.app_tasks import as_text, kill, prefers_text
from milepost.local.api.request import json_body
from milepost.local.apps.refusal import Refused, invalid
from milepost.local.engine import Engine
from milepost.local.scheduler import render

TASK_ID = re.compile(r".+[._](instance-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\..+)?")
MAX_TASK_ID = 255  # characters: it is the name of a folder
STATES = {"running": "TASK_RUNNING", "staging": "TASK_STAGING"}


class Tasks:
    """All tasks of the cluster."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._cluster = engine, engine.cluster

    def routes(self) -> list[Route]:
        return [
            Route("/v2/tasks", self.read, methods=["GET"]),
            Route("/v2/tasks/delete", self.delete, methods=["POST"]),
        ]

    async def read(self, request: Request) -> Response:
        """All tasks, with their apps' service ports; plain text if just that is asked for."""
        if prefers_text(request):
            return as_text(self._cluster.apps())
        query = request.query_params
        wanted = {STATES[each] for each in query.getlist("status") + query.getlist("status[]") if each in STATES}
        found = [task for record in self._cluster.apps() for task in render.tasks(record, with_service_ports=True)]
        return answer({"tasks": [task for task in found if not wanted or task["state"] in wanted]})

    async def delete(self, request: Request) -> Response:
        """Kill the named tasks; ids that are well formed but unknown are passed over."""
        body = await json_body(request)
        task_ids = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(task_ids, list) or not all(isinstance(each, str) for each in task_ids):
            raise invalid([("/ids", "error.expected.jsarray")], "Invalid JSON")
        for task_id in task_ids:
            if len(task_id) > MAX_TASK_ID or not TASK_ID.fullmatch(task_id):
                raise Refused(
                    400, f"Invalid task id '{task_id[:MAX_TASK_ID]}'. [it must end with a UUID, or an instance's UUID]"
                )
        found = {each.id: each for task_id in task_ids if (each := self._cluster.instance_of(task_id)) and each.state}
        return kill(self._engine, request, list(found.values()))
