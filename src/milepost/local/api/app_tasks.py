"""Tasks of one app, and killing them (marathon-api 6.8, 6.9)."""

from collections.abc import Iterable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from milepost.local.api.answer import accepted, answer
from milepost.local.api.request import flag
from milepost.local.apps import app_id as ids
from milepost.local.apps.refusal import Refused, no_such_app
from milepost.local.engine import Engine
from milepost.local.scheduler import changes, render
from milepost.local.scheduler.cluster import Instance, Record


class AppTasks:
    """Handlers for `/v2/apps/{id}/tasks` and one task below it; `request.state.item` is the task's id, or ""."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._cluster = engine, engine.cluster

    async def read(self, request: Request, app_id: str) -> Response:
        """Of one app, or with `*` for its last word of all apps below a group."""
        if app_id.endswith("/*"):
            group = app_id.removesuffix("/*") or "/"
            return listed(request, [each for each in self._cluster.apps() if ids.is_below(each.id, group)])
        record = self._cluster.app(app_id)
        if record is None:
            raise no_such_app(app_id)
        return listed(request, [record])

    async def delete(self, request: Request, app_id: str) -> Response:
        """Kill all tasks of the app, those of one host, or one task."""
        record = self._cluster.app(app_id)
        scale, task_id = flag(request, "scale"), request.state.item
        if scale and not (record and record.instances):
            raise Refused(404, f"Path '{app_id}' does not exist")
        if record is None:
            raise no_such_app(app_id)
        host = request.query_params.get("host", "*")
        found = [each for each in record.instances.values() if each.state and host in ("*", each.node)]
        if task_id:
            instance = self._cluster.instance_of(task_id)
            found = [each for each in found if instance and each.id == instance.id]
            if not found:
                raise Refused(404, f"Task '{task_id}' does not exist")
        return kill(self._engine, request, found, single=bool(task_id))


def listed(request: Request, records: Iterable[Record]) -> Response:
    """The tasks of these apps; as plain text if just that is asked for."""
    if prefers_text(request):
        return as_text(records)
    return answer({"tasks": [task for record in records for task in render.tasks(record)]})


def prefers_text(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("text/plain")


def as_text(records: Iterable[Record]) -> Response:
    """A line for each service port of these apps (marathon-api 6.11)."""
    return PlainTextResponse("".join(line for record in records for line in render.text_lines(record)))


def kill(engine: Engine, request: Request, found: Sequence[Instance], *, single: bool = False) -> Response:
    """Kill as the query says: replaced, scaled down or wiped. The answer shows the tasks as they were."""
    scale, wipe = flag(request, "scale"), flag(request, "wipe")
    if scale and wipe:
        raise Refused(400, "You cannot use scale and wipe at the same time.")
    if scale:
        return accepted(engine.command(changes.kill_and_scale, found, force=flag(request, "force")))
    shown = [render.task(each) for each in found]
    engine.command(changes.kill_tasks, found, wipe=wipe)
    return answer({"task": shown[0]} if single else {"tasks": shown})
