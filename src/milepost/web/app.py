"""The HTTP API: views of the board, one address per stage (docs/http-api.md). GET changes nothing."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import anyio.to_thread
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from milepost.controller.board import Board
from milepost.controller.explain import Explanation, Live, explain, unknown_app
from milepost.controller.guard import Holding
from milepost.controller.secrets import shown_config, without_passwords, without_secrets
from milepost.errors import ProxyError
from milepost.model.routing import RoutingTable
from milepost.model.snapshot import Snapshot
from milepost.model.source_name import known_id
from milepost.web.answers import (
    ApprovedAnswer,
    ProblemsAnswer,
    ServerAnswer,
    ServersAnswer,
    health_reasons,
    health_remark,
    plan_answer,
    status_answer,
)
from milepost.web.digest import Digest
from milepost.web.encoding import to_json
from milepost.web.errors import HANDLERS, json_response
from milepost.web.origin import require_same_origin


class ProxyView(Protocol):
    """What only the proxy's own part can say about its values `desired` and `actual` on the board."""

    def config_text(self, desired: Any) -> str:
        """The whole configuration as it should stand in the file. Pure; called in a worker thread."""
        ...

    def structure_digest(self, desired: Any) -> str: ...

    def parts(self, desired: Any) -> Iterable[str]:
        """All that `desired` says, in order and piece by piece. Pure."""
        ...

    def server_states(self, actual: Any) -> Live:
        """A word for the state of each running server, by backend and "address:port".

        Pure; called in a worker thread.
        """
        ...

    def versions(self) -> Mapping[str, str]:
        """Name and version of the proxy and what it is linked with (HAProxy, OpenSSL)."""
        ...


class Measured(Protocol):
    def exposition(self) -> bytes:
        """All metrics in Prometheus' text form."""
        ...


class Counted(Protocol):
    """A server as the proxy counts it; see `ServerAnswer`. `place` is "address:port"."""

    @property
    def name(self) -> str: ...

    @property
    def place(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def sessions(self) -> int: ...

    @property
    def queued(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Commands:
    """What the API may ask of milepost. `reconcile` asks for a pass that looks at the proxy again, `approve` lets pass
    what the guard holds, and tells what that was. `statistics` asks the proxy for the servers of a backend.
    """

    reconcile: Callable[[], None]
    approve: Callable[[], Holding | None]
    statistics: Callable[[str], Awaitable[Sequence[Counted]]]


@dataclass(frozen=True, slots=True)
class Api:
    """The handlers. They run in the loop's thread; what is costly works on frozen values in another."""

    board: Board
    view: ProxyView
    metrics: Measured
    commands: Commands
    digest: Digest
    clock: Callable[[], float] = time.time

    async def status(self, _: Request) -> Response:
        desired = self.board.desired
        structure = "" if desired is None else self.view.structure_digest(desired)
        digest = "" if desired is None else await self.digest.of(desired)
        return json_response(status_answer(self.board, self.view.versions(), structure, digest, self.clock()))

    async def snapshot(self, _: Request) -> Response:
        seen, _table = self._seen()
        return await _json_of(lambda: without_secrets(seen))

    async def routing(self, _: Request) -> Response:
        _snapshot, table = self._seen()
        return await _json_of(lambda: without_passwords(table))

    async def problems(self, _: Request) -> Response:
        return json_response(ProblemsAnswer(self.board.problems))

    async def explain(self, request: Request) -> Response:
        snapshot, table = self._seen()
        known = replace(table, problems=self.board.problems)  # with what the proxy refused
        app_id = known_id(request.path_params["app_id"])
        explanation = await anyio.to_thread.run_sync(self._explained, app_id, snapshot, known, self.board.actual)
        if not explanation.seen:
            raise HTTPException(404, unknown_app(explanation))
        return json_response(explanation)

    def _explained(self, app_id: str, snapshot: Snapshot, table: RoutingTable, actual: object) -> Explanation:
        live = None if actual is None else self.view.server_states(actual)
        return explain(app_id, snapshot, table, live)

    async def config(self, _: Request) -> Response:
        desired = self.board.desired
        if desired is None:
            raise HTTPException(503, "no configuration has been made yet")
        text = await anyio.to_thread.run_sync(lambda: shown_config(self.view.config_text(desired)))
        return PlainTextResponse(text)

    async def servers(self, request: Request) -> Response:
        service = request.path_params["service"]
        _snapshot, table = self._seen()
        if service not in table.endpoints:
            raise HTTPException(404, f"there is no service {service}")
        try:
            counted = await self.commands.statistics(service)
        except ProxyError as error:
            raise HTTPException(503, str(error)) from error
        tasks = {at.place: at.task_id for at in table.endpoints[service]}
        servers = tuple(ServerAnswer(tasks.get(s.place, ""), s.name, s.status, s.sessions, s.queued) for s in counted)
        return json_response(ServersAnswer(service, servers, self.board.old_workers))

    async def plan(self, _: Request) -> Response:
        return json_response(plan_answer(self.board.plan))

    async def reconcile(self, request: Request) -> Response:
        require_same_origin(request)
        self.commands.reconcile()
        return json_response({"accepted": True}, status=202)

    async def approve(self, request: Request) -> Response:
        require_same_origin(request)
        return json_response(ApprovedAnswer(self.commands.approve()))

    async def exposition(self, _: Request) -> Response:
        return Response(self.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def health(self, _: Request) -> Response:
        if reasons := health_reasons(self.board):
            raise HTTPException(503, "; ".join(reasons))
        remark = health_remark(self.board, self.clock())
        return json_response({"healthy": True, "remark": remark} if remark else {"healthy": True})

    def _seen(self) -> tuple[Snapshot, RoutingTable]:
        if self.board.snapshot is None or self.board.table is None:
            raise HTTPException(503, "no snapshot has been read yet")
        return self.board.snapshot, self.board.table


def make_app(
    board: Board, view: ProxyView, metrics: Measured, commands: Commands, clock: Callable[[], float] = time.time
) -> Starlette:
    """The ASGI app over `board`. `clock` gives Unix seconds."""
    api = Api(board, view, metrics, commands, Digest(lambda desired: view.parts(desired)), clock)
    gets: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/v1/status": api.status,
        "/v1/snapshot": api.snapshot,
        "/v1/routing": api.routing,
        "/v1/problems": api.problems,
        "/v1/apps/{app_id:path}/explain": api.explain,
        "/v1/services/{service}/servers": api.servers,
        "/v1/proxies/haproxy/config": api.config,
        "/v1/proxies/haproxy/plan": api.plan,
        "/metrics": api.exposition,
        "/healthz": api.health,
    }
    routes = [Route(path, handler, methods=["GET"]) for path, handler in gets.items()]
    posts = {"/v1/reconcile": api.reconcile, "/v1/approve": api.approve}
    routes += [Route(path, handler, methods=["POST"]) for path, handler in posts.items()]
    app = Starlette(routes=routes, exception_handlers=HANDLERS)
    app.router.redirect_slashes = False  # an address that is not there is a 404 in our shape, not a redirect
    return app


async def _json_of(make: Callable[[], object]) -> Response:
    """Ten thousand apps take a while to encode; what is encoded is frozen, so another thread may do it."""
    return Response(await anyio.to_thread.run_sync(lambda: to_json(make())), media_type="application/json")
