"""What the scheduler says about itself (marathon-api 6.15), and the empty answers of what it does not have."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from milepost import __version__
from milepost.local.api.answer import answer
from milepost.local.apps.refusal import Refused
from milepost.local.scheduler.ports import SERVICE_PORTS

API_VERSION = "1.8.222"  # the shape of the answers; clients compare it


class About:
    """`address` is where the API listens, "host:port"; `abdicate` makes the server end."""

    def __init__(self, address: str, abdicate: Callable[[], None], framework_id: str) -> None:
        self._address, self._abdicate, self._framework_id = address, abdicate, framework_id

    def routes(self) -> Sequence[Route]:
        return [
            Route("/ping", self.ping),
            Route("/v2/info", self.info),
            Route("/v2/leader", self.leader, methods=["GET", "DELETE"]),
            Route("/v2/plugins", self.plugins),
            Route("/v2/pods", self.pods),
            Route("/v2/pods/{path:path}", self.pods),
            Route("/metrics", self.metrics),
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
                    "ha": False,
                },
                "zookeeper_config": {},
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
            raise Refused(404, f"Pod '/{path}' does not exist")
        return answer([])

    async def metrics(self, _: Request) -> Response:
        kinds = ("counters", "gauges", "histograms", "meters", "timers")
        return answer({"version": "4.0.0", **{kind: {} for kind in kinds}})
