"""`/v2/deployments` and `/v2/queue` (marathon-api 6.13, 6.14)."""

import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import HEADERS, accepted, answer
from milepost.local.api.request import flag
from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine
from milepost.local.scheduler import changes, render
from milepost.local.scheduler.deployments import cancel


class Deployments:
    """What is under way, and what waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._cluster = engine, engine.cluster

    def routes(self) -> list[Route]:
        return [
            Route("/v2/deployments", self.read, methods=["GET"]),
            Route("/v2/deployments/{id}", self.delete, methods=["DELETE"]),
            Route("/v2/queue", self.queue, methods=["GET"]),
        ]

    async def read(self, _: Request) -> Response:
        return answer([render.deployment(each) for each in self._cluster.deployments.values()])

    async def delete(self, request: Request) -> Response:
        """Undo what it changed; with `force` just stop it where it is."""
        deployment_id = request.path_params["id"]
        deployment = self._cluster.deployments.get(deployment_id)
        if deployment is None:
            raise Refused(404, f"DeploymentPlan {deployment_id} does not exist")
        if flag(request, "force"):
            self._engine.command(cancel, deployment)
            return Response(status_code=202, headers=HEADERS)
        return accepted(self._engine.command(changes.undo, deployment))

    async def queue(self, _: Request) -> Response:
        return answer({"queue": render.queue(self._cluster, time.time())})
