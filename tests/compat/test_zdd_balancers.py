"""What a deployment learns of the balancers: from milepost's API, and from the statistics page of any HAProxy."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from milepost.compat.zdd.balancers import BalancerApi
from milepost.compat.zdd.colours import Pair
from milepost.compat.zdd.errors import BalancerSilent
from milepost.compat.zdd.swap import Balancer, Listener, drained_tasks, overdue_tasks
from support import scene
from support.serving import served, serving
from support.two_colours import DEFINITION, World

HEAD = "# pxname,svname,qcur,scur,status,type,\n"
LABELS = {**DEFINITION["labels"], "HAPROXY_DEPLOYMENT_GROUP": "/prod/nginx"}


def pair() -> Pair:
    """Two colours of a nested group; blue has tasks 31001 and 31002 at 10.0.0.1, green has 31003."""
    world = World()
    document = {**DEFINITION, "instances": 2, "labels": LABELS}
    world.deploy(document)
    world.create({**document, "id": "/nginx-green", "instances": 1})
    return Pair(world.app("/nginx-green"), world.app("/nginx-blue"), is_hybrid=False)


def page(rows: str, pids: str = "11 12") -> Starlette:
    """A statistics page. Whatever it does not know is answered as HAProxy does, in HTML."""

    def statistics(request: Request) -> Response:
        assert request.url.query == "stats;csv"
        return PlainTextResponse(HEAD + rows)

    def nothing(request: Request) -> Response:
        return Response("<html>503</html>", 503, media_type="text/html")

    def processes(request: Request) -> Response:
        return PlainTextResponse(pids, 200 if pids else 503)

    routes = [Route("/haproxy", statistics), Route("/_haproxy_getpids", processes), Route("/{path:path}", nothing)]
    return Starlette(routes=routes)


@contextmanager
def looked(app: Starlette, balancers: int = 1) -> Iterator[BalancerApi]:
    with served(app) as address:
        port = address.rpartition(":")[2]
        yield BalancerApi(f"http://balancer.invalid:{port}", lambda host: ["127.0.0.1"] * balancers)


ROWS = """\
prod_nginx_10000,10_0_0_1_31001,0,0,MAINT,2,
prod_nginx_10000,10_0_0_1_31002,1,0,MAINT,2,
prod_nginx_10000,10_0_0_1_31003,0,3,UP,2,
other_10001,10_0_0_1_31004,0,0,MAINT,2,
"""


def test_servers_are_known_by_the_names_that_the_balancer_gives_them_also_in_a_nested_group() -> None:
    found = pair()
    with looked(page(ROWS), balancers=2) as balancers:
        seen = balancers.look(found)
    assert [[one.task_id for one in balancer.listeners] for balancer in seen] == [
        ["nginx-blue.31001", "nginx-blue.31002", "nginx-green.31003"]
    ] * 2
    assert drained_tasks(found, seen) == ("nginx-blue.31001",)
    assert overdue_tasks(found, seen) == ("nginx-blue.31001", "nginx-blue.31002")


@pytest.mark.parametrize(("pids", "reloads"), [("11 12", False), ("11 12 13", True), ("", True), ("none", True)])
def test_more_than_a_master_and_a_worker_are_a_reload_and_so_is_silence(pids: str, reloads: bool) -> None:
    with looked(page(ROWS, pids)) as balancers:
        assert [balancer.is_reloading for balancer in balancers.look(pair())] == [reloads]


def test_a_milepost_tells_tasks_by_their_ids() -> None:
    def servers(request: Request) -> Response:
        assert request.path_params["name"] == "prod_nginx_10000"
        one = {"task_id": "nginx-blue.31001", "name": "x", "status": "MAINT", "sessions": 2, "queued": 0}
        return JSONResponse({"service": "prod_nginx_10000", "servers": [one], "old_workers": 1})

    with looked(Starlette(routes=[Route("/v1/services/{name}/servers", servers)])) as balancers:
        listener = Listener("nginx-blue.31001", "MAINT", 2, 0)
        assert balancers.look(pair()) == [Balancer((listener,), is_reloading=True)]


def test_a_milepost_that_has_no_such_service_has_no_servers() -> None:
    with serving(scene.board()) as address:
        assert BalancerApi(f"http://{address}").look(pair()) == [Balancer(())]


def test_who_does_not_answer_is_told_without_credentials() -> None:
    with served(Starlette()) as address:
        balancers = BalancerApi(f"http://joe:s3cret@{address}")
        with pytest.raises(BalancerSilent) as raised:
            balancers.look(pair())
    assert "s3cret" not in str(raised.value)


def test_without_a_port_the_statistics_port_is_asked() -> None:
    def nobody(host: str) -> list[str]:
        raise OSError(f"{host} is unknown")

    with pytest.raises(BalancerSilent, match=r"http://lb\.invalid:9090.*lb\.invalid is unknown"):
        BalancerApi("http://lb.invalid", nobody).look(pair())
