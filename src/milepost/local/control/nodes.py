"""The nodes, and what can be done to them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from milepost.local.api.answer import answer
from milepost.local.apps.refusal import Refused
from milepost.local.engine import Engine
from milepost.local.scheduler.cluster import Cluster
from milepost.local.scheduler.faults import partition_node, start_node, stop_node
from milepost.local.scheduler.nodes import PLENTY, Node, Resources

ACTS = {"stop": stop_node, "start": start_node, "partition": partition_node}


class Nodes:
    """All nodes that take tasks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def routes(self) -> list[Route]:
        return [
            Route("/nodes", self.read, methods=["GET"]),
            Route("/nodes/{name}/{act}", self.act, methods=["POST"]),
        ]

    async def read(self, _: Request) -> Response:
        return self._all()

    async def act(self, request: Request) -> Response:
        """Stop, start or partition one; the answer shows all as they are then."""
        name, act = request.path_params["name"], request.path_params["act"]
        if act not in ACTS:
            raise Refused(404, f"There is no '{act}' for nodes, but {', '.join(ACTS)}")
        self._engine.command(ACTS[act], name)
        return self._all()

    def _all(self) -> Response:
        cluster = self._engine.cluster
        return answer({"nodes": [_document(cluster, node) for node in cluster.nodes]})


def _document(cluster: Cluster, node: Node) -> dict[str, object]:
    """`limits` is null for a node that has none."""
    used = cluster.used.get(node.address, Resources())
    return {
        "address": node.address,
        "state": cluster.down.get(node.address, "up"),
        "tasks": cluster.tasks_on[node.address],
        "attributes": dict(node.attributes),
        "ports": {"first": node.ports[0], "last": node.ports[-1]},
        "role": node.role,
        "used": _amounts(used),
        "limits": None if node.resources == PLENTY else _amounts(node.resources),
    }


def _amounts(found: Resources) -> dict[str, float]:
    return {"cpus": found.cpus / 1000, "mem": found.mem / 1000, "disk": found.disk / 1000}
