"""What the scheduler says about itself (marathon-api 6.15), and the empty answers of what it does not have."""

import time
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from milepost import __version__
from milepost.local.api.answer import answer
from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine
from milepost.local.scheduler import metrics
from milepost.local.scheduler.ports import SERVICE_PORTS
from milepost.local.scheduler.saved import VERSIONS_KEPT

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
API_VERSION = "1.8.222"  # the shape of the answers; clients compare it


class About:
    """`address` is where the API listens, "host:port"; `abdicate` makes the server end."""

    def __init__(self, engine: Engine, address: str, abdicate: Callable[[], None]) -> None:
        self._cluster, self._framework_id = engine.cluster, engine.framework_id
        self._address, self._abdicate = address, abdicate
        self._began_s = time.monotonic()

    def routes(self) -> Sequence[Route]:
        return [
            Route("/ping", self.ping),
            Route("/v2/info", self.info),
            Route("/v2/leader", self.leader, methods=["GET", "DELETE"]),
            Route("/v2/plugins", self.plugins),
            Route("/v2/pods", self.pods),
            Route("/v2/pods::status", self.pods),
            Route("/v2/pods/{path:path}", self.pods),
            Route("/metrics", self.metrics),
            Route("/metrics/prometheus", self.metrics_as_text),
        ]

    async def ping(self, request: Request) -> Response:
        accept = request.headers.get("accept", "*/*")
        if "*/*" in accept or "text/" in accept:
            return PlainTextResponse("pong")
        return answer("pong") if "application/json" in accept else Response(status_code=204)

    async def info(self, _: Request) -> Response:
        host, _colon, port = self._address.rpartition(":")
        return answer(
            {
                "name": "marathon",
                "version": API_VERSION,
                "buildref": f"milepost-{__version__}",
                "elected": True,
                "leader": self._address,
                "frameworkId": self._framework_id,
                "marathon_config": {
                    "hostname": host,
                    "local_port_min": SERVICE_PORTS[0],
                    "local_port_max": SERVICE_PORTS[-1],
                    "features": ["task_killing"],
                    "framework_name": "milepost-local",
                    "executor": "//cmd",
                    "ha": False,
                    "webui_url": f"http://{self._address}",
                },
                "zookeeper_config": {"zk_max_versions": VERSIONS_KEPT},
                "http_config": {"http_port": int(port), "https_port": 0},
            }
        )

    async def leader(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._abdicate()
            return answer({"message": "Leadership abdicated"})
        return answer({"leader": self._address})

    async def plugins(self, _: Request) -> Response:
        return answer({"plugins": []})

    async def pods(self, request: Request) -> Response:
        path = request.path_params.get("path", "::status")
        if path != "::status":
            raise Refused(404, f"Pod '/{path.partition('::')[0]}' does not exist")
        return answer([])

    async def metrics(self, _: Request) -> Response:
        return answer(metrics.as_json(self._gauges()))

    async def metrics_as_text(self, _: Request) -> Response:
        return PlainTextResponse(metrics.as_text(self._gauges()), headers={"Content-Type": PROMETHEUS})

    def _gauges(self) -> dict[str, float]:
        return metrics.gauges(self._cluster, time.monotonic() - self._began_s)
