"""`/v2/groups` and what lies below it (marathon-api 6.12)."""

from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import accepted, answer
from milepost.local.api.request import embeds, flag, joined, json_body, segments, version_of
from milepost.local.api.shown import shown
from milepost.local.apps import app_id as ids
from milepost.local.apps import group_update
from milepost.local.apps.group_update import GroupUpdate
from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine
from milepost.local.scheduler import changes, events, groups, render

METHODS = ["GET", "POST", "PUT", "DELETE"]
PARTS = {"group.apps": "apps", "group.groups": "groups", "group.pods": "pods"}


class Groups:
    """The tree of apps."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._cluster = engine, engine.cluster

    def routes(self) -> list[Route]:
        return [
            Route("/v2/groups", self.one, methods=METHODS),
            Route("/v2/groups/{path:path}", self.one, methods=METHODS),
        ]

    async def one(self, request: Request) -> Response:
        """The group itself, or with `apps` or `versions` at the end of the path something of it."""
        parts = segments(request.path_params.get("path", ""))
        reads = request.method in ("GET", "HEAD")
        if reads and parts[-1:] == ["apps"]:
            return answer(self._apps(request, self._existing(parts[:-1])))
        if reads and parts[-1:] == ["versions"]:
            found = groups.versions(self._cluster, self._existing(parts[:-1]))
            return answer([tree.version for tree in found])
        if reads and parts[-2:-1] == ["versions"]:
            group_id = self._existing(parts[:-2])
            return answer(render.tree(groups.version(self._cluster, group_id, version_of(parts[-1])), group_id))
        if "versions" in parts[-2:] and request.method in ("POST", "PUT"):
            raise HTTPException(405)  # versions are read; a group of this name could never be
        match request.method:
            case "POST":
                return await self._create(request, joined(parts))
            case "PUT":
                return await self._change(request, joined(parts))
            case "DELETE":
                return self._delete(request, self._existing(parts))
        return self._read(request, self._existing(parts))

    def _read(self, request: Request, group_id: str) -> Response:
        apps = {app["id"]: app for app in self._apps(request, group_id)}
        document = render.group(apps, self._cluster.groups, self._cluster.version, group_id)
        asked = request.query_params.getlist("embed")
        wanted = {part for each in asked for name, part in PARTS.items() if each == name or each.startswith(f"{name}.")}
        return answer(render.pruned(document, wanted if asked else set(PARTS.values())))

    async def _create(self, request: Request, base: str) -> Response:
        document = await json_body(request)
        group_id = group_update.named_id(document, base)
        if group_id == "/" or group_id in self._cluster.groups:
            raise Refused(409, f"Group {group_id} is already created. Use PUT to change this group.")
        if self._cluster.app(group_id):
            raise Refused(409, f"An app with the path {group_id} already exists.")
        change = self._deploy(request, group_update.read(document, base))
        return accepted(change, 201, {"Location": group_id})

    async def _change(self, request: Request, base: str) -> Response:
        update = group_update.read(await json_body(request), base)
        if update.version:
            update = replace(update, version=version_of(update.version))
        if not flag(request, "dryRun"):
            return accepted(self._deploy(request, update))
        wish = groups.changed(self._cluster, update)
        plan = changes.planned(self._cluster, wish.apps, groups=wish.groups)
        return answer({"steps": events.steps(plan.steps)})

    def _delete(self, request: Request, group_id: str) -> Response:
        wish = groups.removed(self._cluster, group_id)
        return accepted(self._start(request, wish, ids.parent(group_id)))

    def _deploy(self, request: Request, update: GroupUpdate) -> changes.Accepted:
        return self._start(request, groups.changed(self._cluster, update), update.id)

    def _start(self, request: Request, wish: groups.Wish, group_id: str) -> changes.Accepted:
        force = flag(request, "force")
        return self._engine.command(changes.deploy, wish.apps, force=force, group=group_id, groups=wish.groups)

    def _apps(self, request: Request, group_id: str) -> list[render.Document]:
        """The apps below the group, with as much of their state as is asked for."""
        wanted = embeds(request)
        below = [record for record in self._cluster.apps() if ids.is_below(record.id, group_id)]
        return [shown(self._cluster, record, wanted) for record in below]

    def _existing(self, parts: list[str]) -> str:
        group_id = joined(parts)
        if group_id != "/" and group_id not in self._cluster.groups:
            raise Refused(404, f"Group '{group_id}' does not exist")
        return group_id
