"""`/v2/deployments` and `/v2/queue` (marathon-api 6.13, 6.14)."""

import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import accepted, answer
from milepost.local.api.request import flag, joined, segments
from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine
from milepost.local.scheduler import changes, render


class Deployments:
    """What is under way, and what waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._cluster = engine, engine.cluster

    def routes(self) -> list[Route]:
        return [
            Route("/v2/deployments", self.read, methods=["GET"]),
            Route("/v2/deployments/{id}", self.delete, methods=["DELETE"]),
            Route("/v2/queue", self.queue, methods=["GET"]),
            Route("/v2/queue/{path:path}/delay", self.reset_delay, methods=["DELETE"]),
        ]

    async def read(self, _: Request) -> Response:
        return answer([render.deployment(self._cluster, each) for each in self._cluster.deployments.values()])

    async def delete(self, request: Request) -> Response:
        """Undo what it changed; with `force` just stop it where it is."""
        deployment_id = request.path_params["id"]
        deployment = self._cluster.deployments.get(deployment_id)
        if deployment is None:
            raise Refused(404, f"DeploymentPlan {deployment_id} does not exist")
        if flag(request, "force"):
            self._engine.command(changes.stop, deployment)
            return Response(status_code=202)
        return accepted(self._engine.command(changes.undo, deployment))

    async def reset_delay(self, request: Request) -> Response:
        """Let what waits because of its failures start at once."""
        app_id = joined(segments(request.path_params["path"]))
        record = self._cluster.app(app_id)
        if record is None or not self._engine.command(changes.reset_delay, record):
            raise Refused(404, f"Application {app_id} not found in tasks queue.")
        return Response(status_code=204)

    async def queue(self, request: Request) -> Response:
        with_offers = "lastUnusedOffers" in request.query_params.getlist("embed")
        return answer({"queue": render.queue(self._cluster, time.time(), with_offers=with_offers)})
