"""`/v2/apps` and what lies below it, but tasks (marathon-api 6.1 to 6.7, 6.10)."""

from collections.abc import Awaitable, Callable, Set

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import accepted, answer, deployment_header
from milepost.local.api.app_tasks import AppTasks
from milepost.local.api.request import embeds, flag, joined, json_body, segments, version_of
from milepost.local.api.shown import shown
from milepost.local.apps import app_id as ids
from milepost.local.apps import intake
from milepost.local.apps.definition import Definition
from milepost.local.apps.legacy import Document
from milepost.local.apps.refusal import Refused, invalid, no_such_app
from milepost.local.apps.selector import selector
from milepost.local.engine import Engine
from milepost.local.scheduler import changes, events
from milepost.local.scheduler.cluster import Record
from milepost.local.scheduler.turn import Turn

ALWAYS = frozenset({"counts", "deployments"})  # parts of its state that an app is never shown without
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler = Callable[[Request, str], Awaitable[Response]]


class Apps:
    """One method an operation; `one` finds out which is meant."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._cluster = engine, engine.cluster
        tasks = AppTasks(engine)
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", ""): self._read,
            ("PUT", ""): self._put,
            ("PATCH", ""): self._patch,
            ("DELETE", ""): self._delete,
            ("POST", "restart"): self._restart,
            ("GET", "versions"): self._versions,
            ("GET", "tasks"): tasks.read,
            ("DELETE", "tasks"): tasks.delete,
        }

    def routes(self) -> list[Route]:
        return [
            Route("/v2/apps", self.all, methods=METHODS),
            Route("/v2/apps/{path:path}", self.one, methods=METHODS),
        ]

    async def all(self, request: Request) -> Response:
        """The list, a new app, or a change of several apps."""
        match request.method:
            case "GET" | "HEAD":
                return self._list(request)
            case "POST":
                return await self._create(request)
            case "PUT" | "PATCH":
                return await self._change_many(request)
        raise HTTPException(405)

    async def one(self, request: Request) -> Response:
        """An app, or one of its own resources: the last words of the path tell."""
        parts = segments(request.path_params["path"])
        if not parts:
            return await self.all(request)
        resource, app_id = _split(parts)
        handler = self._handlers.get((request.method.replace("HEAD", "GET"), resource.partition("/")[0]))
        if handler is None:
            raise HTTPException(405)
        request.state.item = resource.partition("/")[2]
        return await handler(request, app_id)

    def _list(self, request: Request) -> Response:
        query = request.query_params
        cmd, part, matches = query.get("cmd", "").lower(), query.get("id", "").lower(), selector(query.get("label", ""))
        wanted = embeds(request)
        found = [
            self._shown(record, wanted)
            for record in self._cluster.apps()
            if part in record.id
            and cmd in str(record.document.get("cmd", "")).lower()
            and matches(record.document["labels"])
        ]
        return answer({"apps": found})

    async def _create(self, request: Request) -> Response:
        document = intake.checked(await json_body(request))
        app_id = intake.named_id(document)
        app = intake.create(document, app_id)
        if self._cluster.app(app_id):
            raise Refused(409, f"An app with id [{app_id}] already exists.")
        change = self._deploy({app_id: app}, request, group=ids.parent(app_id))
        record = self._record(app_id)
        self._announce(request, record)
        body = {**self._shown(record), "deployments": [{"id": change.deployment_id}]}
        body.pop("versionInfo", None)
        return answer(body, 201, {"Location": app_id, **deployment_header(change)})

    async def _change_many(self, request: Request) -> Response:
        documents = await json_body(request)
        if not isinstance(documents, list):
            raise invalid([("/", "error.expected.jsarray")], "Invalid JSON")
        wanted: dict[str, Definition | None] = {}
        for document in map(intake.checked, documents):
            app_id = intake.named_id(document)
            if request.method == "PATCH":
                self._record(app_id)
            wanted[app_id] = self._changed(app_id, document, partial=flag(request, "partialUpdate", default=True))
        return accepted(self._deploy(wanted, request))

    async def _read(self, request: Request, app_id: str) -> Response:
        if app_id.endswith("/*"):
            below = [each for each in self._cluster.apps() if ids.is_below(each.id, app_id.removesuffix("/*") or "/")]
            return answer({"*": [self._shown(each, embeds(request)) for each in below]})
        return answer({"app": self._shown(self._record(app_id), {"failures"} | embeds(request))})

    async def _put(self, request: Request, app_id: str) -> Response:
        document = intake.checked(await json_body(request))
        status = 200 if self._cluster.app(app_id) else 201
        app = self._changed(app_id, document, partial=flag(request, "partialUpdate", default=True))
        change = self._deploy({app_id: app}, request, group=ids.parent(app_id))
        self._announce(request, self._record(app_id))
        return accepted(change, status)

    async def _patch(self, request: Request, app_id: str) -> Response:
        self._record(app_id)
        return await self._put(request, app_id)

    async def _delete(self, request: Request, app_id: str) -> Response:
        self._record(app_id)
        force = flag(request, "force", default=True)
        change = self._engine.command(changes.deploy, {app_id: None}, force=force, group=ids.parent(app_id))
        return accepted(change)

    async def _restart(self, request: Request, app_id: str) -> Response:
        record = self._record(app_id)
        return accepted(self._engine.command(changes.restart, record, force=flag(request, "force")))

    async def _versions(self, request: Request, app_id: str) -> Response:
        record = self._record(app_id)
        wanted: str = request.state.item
        if not wanted:
            return answer({"versions": [app.version for app in record.versions]})
        return answer(_version(record, wanted).document())

    def _changed(self, app_id: str, document: Document, *, partial: bool) -> Definition:
        """The definition that a PUT asks for: an update, a replacement, a new app, or an older version."""
        record = self._cluster.app(app_id)
        if "version" in document and "versionInfo" not in document:
            if set(document) - {"id", "version"}:
                raise Refused(422, "The 'version' field may only be combined with the 'id' field.")
            return _version(self._record(app_id), document["version"])
        if record and record.definition and partial:
            return intake.update(record.definition, document)
        return intake.create(document, app_id)

    def _deploy(
        self, wanted: dict[str, Definition | None] | dict[str, Definition], request: Request, group: str = "/"
    ) -> changes.Accepted:
        return self._engine.command(changes.deploy, wanted, force=flag(request, "force"), group=group)

    def _announce(self, request: Request, record: Record) -> None:
        if record.definition:
            self._engine.command(_post_event, record.definition, _client(request), request.scope["path"])

    def _shown(self, record: Record, wanted: Set[str] = ALWAYS) -> Document:
        return shown(self._cluster, record, wanted | ALWAYS)

    def _record(self, app_id: str) -> Record:
        record = self._cluster.app(app_id)
        if record is None:
            raise no_such_app(app_id)
        return record


def _post_event(turn: Turn, app: Definition, client: str, uri: str) -> None:
    turn.want(events.api_post(app, client, uri, turn.now_s))


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _version(record: Record, given: str) -> Definition:
    """The app as it was in the version that is given, at any offset. Raises Refused: 404, or 422 if it is no time."""
    version = version_of(given)
    for app in record.versions:
        if app.version == version:
            return app
    raise Refused(404, f"App '{record.id}' does not exist in version {version}")


def _split(parts: list[str]) -> tuple[str, str]:
    """(resource with its item, app id) of the parts of a path below /v2/apps."""
    if len(parts) > 1 and parts[-1] in ids.RESERVED:
        return parts[-1], joined(parts[:-1])
    if len(parts) > 2 and parts[-2] in ("tasks", "versions"):
        return f"{parts[-2]}/{parts[-1]}", joined(parts[:-2])
    return "", joined(parts)
