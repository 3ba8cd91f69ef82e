"""Faults on demand: of tasks, and of Marathon itself."""

import math
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import answer
from milepost.local.api.request import json_body
from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import Definition
from milepost.local.apps.refusal import Refused, invalid
from milepost.local.engine import Engine
from milepost.local.faults import SlowStart
from milepost.local.outages import Outages

LONGEST_S = 3600.0


class FaultControl:
    """Each answer to a change shows all faults of tasks as they are then."""

    def __init__(self, engine: Engine, outages: Outages) -> None:
        self._engine, self._faults, self._outages = engine, engine.faults, outages

    def routes(self) -> list[Route]:
        return [
            Route("/faults", self.read, methods=["GET"]),
            Route("/faults", self.clear, methods=["DELETE"]),
            Route("/faults/slow-start", self.slow_start, methods=["POST"]),
            Route("/faults/unhealthy", self.unhealthy, methods=["POST"]),
            Route("/faults/restart", self.restart, methods=["POST"]),
            Route("/faults/leader", self.leader, methods=["POST"]),
        ]

    async def read(self, _: Request) -> Response:
        return self._all()

    async def slow_start(self, request: Request) -> Response:
        """Of each task that the app gets from now on; the app need not be there yet."""
        body = await _object(request)
        app_id = _app_id(_text(body, "app"))
        self._faults.slow[app_id] = SlowStart(_seconds(body), body.get("runs") is True)
        return self._all()

    async def unhealthy(self, request: Request) -> Response:
        """Of a task, or of all tasks of an app, which need not be there yet."""
        name = _text(await _object(request), "of")
        if name.startswith("/"):
            name = _app_id(name)
            record = self._engine.cluster.app(name)
            app = record.definition if record else None
        else:
            app = self._task_app(name)
        if app and not app.checks:
            raise Refused(409, f"'{name}' has no health check that could fail")
        self._faults.unhealthy.add(name)
        self._engine.probe_now(name)
        return self._all()

    async def clear(self, request: Request) -> Response:
        """All, or with `of` those of one app or task."""
        name = request.query_params.get("of")
        cleared = self._faults.clear(name)
        if name is not None and not cleared:
            raise Refused(404, f"'{name}' has no fault; `milepost local fault list` shows those that there are")
        for each in cleared:
            self._engine.probe_now(each)
        return self._all()

    async def restart(self, request: Request) -> Response:
        seconds = _seconds(await _object(request))
        self._outages.restart(seconds)
        return answer({"restarts": True, "seconds": seconds})

    async def leader(self, request: Request) -> Response:
        seconds = _seconds(await _object(request))
        self._outages.lose_leader(seconds)
        return answer({"leader": None, "seconds": seconds})

    def _task_app(self, task_id: str) -> Definition:
        instance = self._engine.cluster.instance_of(task_id)
        if instance is None or instance.task_id != task_id or not instance.is_active:
            raise Refused(404, f"Task '{task_id}' does not exist")
        return instance.definition

    def _all(self) -> Response:
        return answer({"faults": list(self._faults.documents())})


async def _object(request: Request) -> dict[str, Any]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise invalid([("/", "error.expected.jsobject")], "Invalid JSON")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid([(f"/{name}", "error.expected.jsstring")], "Invalid JSON")
    return value


def _seconds(body: dict[str, Any]) -> float:
    value = body.get("seconds")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise invalid([("/seconds", "error.expected.jsnumber")], "Invalid JSON")
    if not 0 <= value <= LONGEST_S:
        raise invalid([("/seconds", f"got {value}, expected between 0 and {LONGEST_S:g}")])
    return float(value)


def _app_id(raw: str) -> str:
    app_id = ids.absolute(raw)
    problem = ids.problem(app_id)
    if problem:
        raise invalid([("/app", problem)])
    return app_id
