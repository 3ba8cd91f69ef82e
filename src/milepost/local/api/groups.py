"""`GET /v2/groups` (marathon-api 6.12): groups exist as far as apps lie in them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import answer
from milepost.local.api.request import embeds, joined, segments
from milepost.local.apps import app_id as ids
from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine
from milepost.local.scheduler import render

STATUS = frozenset({"tasks", "failures", "lastTaskFailure", "counts", "deployments"})


class Groups:
    """The tree of apps."""

    def __init__(self, engine: Engine) -> None:
        self._cluster = engine.cluster

    def routes(self) -> list[Route]:
        return [Route("/v2/groups", self.read), Route("/v2/groups/{path:path}", self.read)]

    async def read(self, request: Request) -> Response:
        """The group's tree, or with `/apps` behind it the bare list of its apps."""
        parts = segments(request.path_params.get("path", ""))
        listed = parts[-1:] == ["apps"]
        group_id = joined(parts[:-1] if listed else parts)
        wanted = embeds(request)
        below = [record for record in self._cluster.apps() if ids.is_below(record.id, group_id)]
        if not below and group_id != "/":
            raise Refused(404, f"Group '{group_id}' does not exist")
        with_status = bool(wanted & STATUS)
        apps = {
            record.id: render.app(self._cluster, record, wanted) if with_status else record.document for record in below
        }
        return answer(list(apps.values()) if listed else render.group(apps, self._cluster.version, group_id))
