"""What marathon-lb's labels for access and rewriting do in real HAProxies, from the label to the answer."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.model.snapshot import App, AppDefinition, AppPort, NetworkMode, Snapshot, Task
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from support.haproxy import each_haproxy, free_ports, reach, stage
from support.requests import ANSWER_WITH, Got, Request, echo
from support.traffic import fake_tasks, get

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]

CERTIFICATE = Path(__file__).parents[1] / "support" / "certificate.pem"
AUTH = "the inner room:joe:$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC"
JOE = {"Authorization": f"Basic {b64encode(b'joe:open sesame').decode()}"}
EVE = {"Authorization": f"Basic {b64encode(b'eve:open sesame').decode()}"}


@dataclass
class Balancer:
    """A HAProxy that serves /web, whose one task is an echo, by `port` and the shared ports."""

    port: int
    http: int
    https: int
    by_app_id: int

    async def http_get(self, path: str = "/", **headers: str) -> Got:
        return await Request("a.example", path, headers).to(self.http)

    async def moved(self, location: str) -> str:
        """Where the answer leads whose Location was `location` when it left the task."""
        return (await Request("a.example", "/", {ANSWER_WITH: location}).to(self.http)).location


def apps(port: int, task: int, **labels: str) -> RoutingTable:
    """The table for /web with these labels of its one port; its only task is at `task`."""
    named = {"HAPROXY_GROUP": "x", "HAPROXY_0_MODE": "http", "HAPROXY_0_VHOST": "a.example"}
    named |= {f"HAPROXY_0_{name}": value for name, value in labels.items()}
    definition = AppDefinition("/web", named, NetworkMode.BRIDGE, (AppPort(port, 0),))
    app = App(definition, (Task("web.1", "127.0.0.1", "127.0.0.1", (task,), health=(True,)),))
    table = build_routing(Snapshot({"/web": app}, "test", 0.0), Policy(("x",)))
    assert not table.problems
    return table


@asynccontextmanager
async def balancer(binary: Binary, folder: Path, **labels: str) -> AsyncIterator[Balancer]:
    port, http, https, by_app_id = free_ports(4)
    listed = folder / "list"
    listed.write_text(f"{CERTIFICATE}\n")
    binds = ("127.0.0.1", "::1")
    profile = Profile(
        str(folder / "a.sock"), str(folder), 2_000, binds, http, https, by_app_id, 0, certificate_list=str(listed)
    )
    async with stage(binary, folder) as at, echo() as task:
        await reach(at.proxy(designer=RunDesigner(profile)), apps(port, task, **labels))
        yield Balancer(port, http, https, by_app_id)


async def test_a_password_is_asked_on_the_shared_ports_and_nowhere_else(binary: Binary, tmp_path: Path) -> None:
    by_id = {"X-Marathon-App-Id": "/web"}
    async with balancer(binary, tmp_path, AUTH=AUTH) as at:
        asked = await at.http_get()
        assert (asked.status, asked.headers["www-authenticate"]) == (401, 'Basic realm="the inner room"')
        assert (await at.http_get(**EVE)).status == 401
        assert (await at.http_get(**JOE)).status == 200
        assert (await Request("a.example", tls=True).to(at.https)).status == 401
        assert (await Request("a.example", headers=JOE, tls=True).to(at.https)).status == 200
        assert (await Request("a.example").to(at.port)).status == 200
        assert (await Request("a.example", headers=by_id).to(at.by_app_id)).status == 200


async def test_a_password_can_be_asked_everywhere(binary: Binary, tmp_path: Path) -> None:
    by_id = {"X-Marathon-App-Id": "/web"}
    async with balancer(binary, tmp_path, AUTH=AUTH, AUTH_EVERYWHERE="true", REDIRECT_TO_HTTPS="true") as at:
        assert (await Request("a.example").to(at.port)).status == 401
        assert (await Request("a.example", headers=JOE).to(at.port)).status == 200
        assert (await Request("a.example", headers=by_id).to(at.by_app_id)).status == 401


async def test_who_is_sent_to_https_is_asked_for_a_password_there_only(binary: Binary, tmp_path: Path) -> None:
    labels = {"AUTH": AUTH, "REDIRECT_TO_HTTPS": "true", "VHOST": "a.example,b.example", "PATH": "/in /-/"}
    async with balancer(binary, tmp_path, **labels) as at:
        sent = await Request("B.example:80", "/in?x=%201").to(at.http)
        assert (sent.status, sent.location) == (301, "https://B.example/in?x=%201")
        assert (await at.http_get("/-/")).location == "https://a.example/-/"
        assert (await at.http_get("/out")).status == 503
        assert (await Request("b.example", "/in", tls=True).to(at.https)).status == 401
        assert (await Request("b.example", "/in", JOE, tls=True).to(at.https)).status == 200
        assert (await Request("a.example").to(at.port)).status == 200


@pytest.mark.parametrize(
    ("networks", "by_ipv4", "by_ipv6"),
    [("127.0.0.0/8", 200, 403), ("::1", 403, 200), ("10.0.0.0/8 ::1 127.0.0.1", 200, 200), ("10.0.0.0/8", 403, 403)],
)
async def test_a_backend_is_for_its_networks_only(
    binary: Binary, tmp_path: Path, networks: str, by_ipv4: int, by_ipv6: int
) -> None:
    async with balancer(binary, tmp_path, BACKEND_NETWORK_ALLOWED_ACL=networks) as at:
        for port in (at.port, at.http):
            assert (await Request("a.example").to(port)).status == by_ipv4
            assert (await Request("a.example", address="::1").to(port)).status == by_ipv6


async def test_connections_are_for_the_networks_of_their_backend_only(binary: Binary, tmp_path: Path) -> None:
    async with balancer(binary, tmp_path, VHOST="", MODE="tcp", BACKEND_NETWORK_ALLOWED_ACL="127.0.0.1") as at:
        assert (await Request("a.example").to(at.port)).status == 200
        with pytest.raises((anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError)):
            await Request("a.example", address="::1").to(at.port)


async def test_answers_tell_browsers_to_come_by_https_only(binary: Binary, tmp_path: Path) -> None:
    async with balancer(binary, tmp_path, USE_HSTS="true") as at:
        for answer in (await at.http_get(), await Request("a.example", tls=True).to(at.https)):
            assert answer.headers["strict-transport-security"] == "max-age=15768000"


@pytest.mark.parametrize(
    ("vhost", "host"),
    [("a.example", "a.example"), ("a.example,b.example", "a.example:1"), ("a.example,", "a.example:1")],
)
async def test_a_prefix_is_cut_off_and_the_query_stays(binary: Binary, tmp_path: Path, vhost: str, host: str) -> None:
    cut = {
        "/v1.0/x/y?q=/v1.0/": "/x/y?q=/v1.0/",
        "/V1.0": "/",
        "/v1.0?q": "/?q",
        "/v1.0x": "/x",
        "/v1x0/x": "/v1x0/x",
        "/other/v1.0/": "/other/v1.0/",
    }
    async with balancer(binary, tmp_path, HTTP_BACKEND_PROXYPASS_PATH="/v1.0", VHOST=vhost) as at:
        for path, seen in cut.items():
            assert (await at.http_get(path)).seen[""] == f"GET {seen} HTTP/1.1"
        assert (await Request("a.example:1").to(at.http)).seen["host"] == host


@pytest.mark.parametrize("prefix", ["/app", "/app/", "/app\\3"])
async def test_a_redirect_gets_its_prefix_back(binary: Binary, tmp_path: Path, prefix: str) -> None:
    moved = {
        "/login?to=/a,b": "/app/login?to=/a,b",
        "/": "/app/",
        "/app/x": "/app/x",
        "/app": "/app",
        "/apple": "/app/apple",
        "http://a.example/x": "/app/x",
        "https://B.example:8443/app/x": "/app/x",
        "https://other.example/x": "https://other.example/x",
        "//other.example/x": "//other.example/x",
        "x/y": "x/y",
    }
    labels = {"HTTP_BACKEND_REVPROXY_PATH": prefix, "VHOST": "a.example,b.example"}
    async with balancer(binary, tmp_path, **labels) as at:
        assert {location: await at.moved(location) for location in moved} == moved
        assert "location" not in (await at.http_get()).headers


async def test_the_root_of_each_host_leads_elsewhere(binary: Binary, tmp_path: Path) -> None:
    labels = {"HTTP_BACKEND_REDIR": "/app/", "VHOST": "a.example,b.example", "HTTP_BACKEND_PROXYPASS_PATH": "/app"}
    async with balancer(binary, tmp_path, **labels) as at:
        for host in ("a.example", "B.example:80"):
            sent = await Request(host, "/?x=1").to(at.http)
            assert (sent.status, sent.location) == (301, "/app/")
        assert (await at.http_get("/app/")).seen[""] == "GET / HTTP/1.1"
        assert (await Request("other.example").to(at.port)).status == 200


async def test_the_greater_weight_gets_the_request_then_the_longer_path(binary: Binary, tmp_path: Path) -> None:
    (http,) = free_ports(1)
    profile = Profile(str(tmp_path / "a.sock"), str(tmp_path), 2_000, ("127.0.0.1",), http, 0, 0, 0)
    services = (
        _weighed("any", 0, "a.example"),
        _weighed("short", 1, "a.example", "/a"),
        _weighed("long", 1, "a.example", "/a/b", "/a/h"),
        _weighed("heavy", 2, "a.example", "/a/h"),
        _weighed("over", 3, "b.example"),
        _weighed("under", 2, "b.example", "/a"),
        _weighed("same", 3, "b.example", "/b"),
    )
    leads = {
        ("a.example", "/"): "any",
        ("a.example", "/a"): "short",
        ("a.example", "/a/b/c"): "long",
        ("a.example", "/a/h"): "heavy",
        ("b.example", "/a"): "over",
        ("b.example", "/b"): "same",
    }
    async with stage(binary, tmp_path) as at, AsyncExitStack() as tasks:
        ports = {one.name: (await tasks.enter_async_context(fake_tasks(1)))[0].port for one in services}
        pools = {name: (Endpoint(name, "127.0.0.1", "127.0.0.1", port),) for name, port in ports.items()}
        await reach(at.proxy(designer=RunDesigner(profile)), RoutingTable(services, pools))
        got = {(host, path): (await get(http, host, path)).body for host, path in leads}
    assert got == {asked: str(ports[name]) for asked, name in leads.items()}


def _weighed(name: str, weight: int, host: str, *path: str) -> Service:
    return Service(name, f"/{name}", 0, 1, "http", listens=False, hosts=(host,), path=path, weight=weight)
