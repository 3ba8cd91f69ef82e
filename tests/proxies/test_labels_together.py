"""Labels of several kinds on one service, each of which has to leave the others their due: text, and real HAProxies."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from milepost.model.routing import Check, Endpoint, ServerTls, Service, Timeouts
from milepost.model.snapshot import App, AppDefinition, AppPort, NetworkMode, Snapshot, Task
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner, run_servers
from milepost.proxies.haproxy.own_sections import own_backend, own_frontend
from milepost.proxies.haproxy.raw.review import RawReview
from milepost.proxies.haproxy.shared_frontends import host_entries, shared_frontends
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from support.haproxy import each_haproxy, free_ports, reach, stage
from support.requests import ANSWER_WITH, Got, Request, echo

CERTIFICATE = Path(__file__).parents[1] / "support" / "certificate.pem"
AUTH = "the inner room:joe:$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC"
JOE = {"Authorization": f"Basic {b64encode(b'joe:open sesame').decode()}"}
PROFILE = Profile("/a.sock", "/maps", 2_000, certificate_list="/list", deny=("192.0.2.0/24",))
UPSTREAM = replace(PROFILE, trusted_networks=("10.0.0.1",), accept_proxy=("services",))
OWN = Service("web_1", "/web", 0, 1, "http", templates={"FRONTEND_HEAD": "bind *:1\ntcp-request connection accept"})


def test_an_own_frontend_turns_away_whom_the_operator_does_and_believes_an_upstream() -> None:
    service = replace(OWN, timeouts=Timeouts(client_s=2.0))
    assert own_frontend(service, UPSTREAM, is_hitless=True).lines == (
        "bind *:1",
        "mode http",
        "tcp-request connection expect-proxy layer4 if { src 10.0.0.1 }",
        "tcp-request connection expect-proxy layer4 if { src 127.255.0.9 }",
        "tcp-request session reject if { src 192.0.2.0/24 }",
        "timeout client 2000ms",
        "tcp-request session accept",
        "http-request set-dst str(127.0.0.1) if { stopping }",
        "http-request set-dst-port int(1) if { stopping }",
        "use_backend milepost_to_new if { stopping }",
        "use_backend web_1",
    )


@pytest.mark.parametrize("head", ["bind *:1\nmode tcp", "bind *:1"])
def test_the_operator_turns_away_before_an_own_frontend_has_its_say(head: str) -> None:
    lines = own_frontend(replace(OWN, templates={"FRONTEND_HEAD": head}), PROFILE, is_hitless=False).lines
    assert lines[2:] == ("tcp-request session reject if { src 192.0.2.0/24 }", "use_backend web_1")


@pytest.mark.parametrize(("mode", "deny"), [("http", "http-request deny"), ("tcp", "tcp-request content reject")])
def test_an_own_backend_has_the_times_and_the_denials_of_its_labels(mode: str, deny: str) -> None:
    templates = {"BACKEND_HEAD": f"backend web_1\nmode {mode}\nbalance source"}
    service = replace(OWN, templates=templates, denied=("192.0.2.1",), timeouts=Timeouts(server_s=1.0))
    first = (f"mode {mode}", "timeout server 1000ms", f"{deny} if {{ src 192.0.2.1 }}", "balance source")
    assert own_backend(service, PROFILE, is_hitless=False).lines[:4] == first


HTTPS = Check("http", "/", 1, 1, 3, is_tls=True)
LINE = "server {serverName} {host_ipv4}:{port}"


@pytest.mark.parametrize(
    ("own", "tls", "check", "words"),
    [
        ("", ServerTls.UNVERIFIED, None, ("ssl", "verify none")),
        ("", ServerTls.VERIFIED, HTTPS, ("ssl", "check-ssl", "verify required ca-file /ca")),
        ("", ServerTls.OFF, HTTPS, ("check-ssl", "verify none")),
        (" ssl", ServerTls.OFF, HTTPS, ("ssl", "check-ssl")),
        (" ssl", ServerTls.VERIFIED, None, ("ssl", "verify required ca-file /ca")),
        (" ssl ca-file /own", ServerTls.UNVERIFIED, None, ("ssl", "ca-file /own")),
        (" ssl verify none", ServerTls.VERIFIED, None, ("ssl", "verify none")),
        (" weight 2", ServerTls.OFF, None, ("weight 2",)),
    ],
)
def test_an_own_server_line_gets_the_tls_of_its_label_and_keeps_its_own(
    own: str, tls: ServerTls, check: Check | None, words: tuple[str, ...]
) -> None:
    service = replace(OWN, templates={"BACKEND_SERVER_OPTIONS": LINE + own}, server_tls=tls, check=check)
    (server,) = run_servers(service, (Endpoint("t", "10.0.0.1", "10.0.0.1", 80),), 0.0, "/ca")
    assert server.options == (*words, "pool-max-conn -1", "pool-purge-delay 5s")


def test_a_host_whose_tls_passes_through_has_no_place_among_requests() -> None:
    own = {"HTTP_FRONTEND_ACL": "use_backend {backend}", "HTTPS_FRONTEND_ACL": "use_backend {backend}"}
    passing = Service("own_1", "/own", 0, 1, "tcp", hosts=("own.example",), passes_tls=True, weight=9, templates=own)
    other = Service("web_1", "/web", 0, 2, "http", hosts=("own.example",), path=("/a",), weight=1)
    assert host_entries([passing, other]) == ()
    rules = [line for section in shared_frontends([passing, other], PROFILE) for line in section.lines]
    assert not [line for line in rules if line.startswith("use_backend own_1")]
    assert sum(line.startswith("use_backend web_1") for line in rules) == 2


@dataclass
class Balancer:
    """A HAProxy with an echo for each app; `ports` are the apps' own."""

    http: int
    https: int
    ports: Mapping[str, int]

    async def app(self, host: str, path: str = "/", **headers: str) -> str:
        """The app that answers on the HTTP port and the path that it saw, or the status of the balancer's answer."""
        return self.told(await Request(host, path, headers).to(self.http))

    def told(self, got: Got) -> str:
        if got.status != 200:
            return f"{got.status} {got.location}".strip()
        return f"{got.seen.get('x-app', PLAIN)} {got.seen[''].split()[1]}"


APPS: Mapping[str, Mapping[str, str]] = {
    "/shop": {
        "VHOST": "*.example, ~s[0-9]+\\.(one|two)",
        "PATH": "/api",
        "STRIP_PATH": "true",
        "AUTH": AUTH,
        "BACKEND_WEIGHT": "5",
        "HTTP_BACKEND_REVPROXY_PATH": "/api",
    },
    "/light": {"VHOST": "*.example", "PATH": "/api/deep /other"},
    "/named": {"VHOST": "a.example"},
    "/moved": {"VHOST": "*.old", "REDIRECT_TO_HTTPS": "true"},
    "/root": {"VHOST": "~[a-z]+\\.root, c.top, *.top", "HTTP_BACKEND_REDIR": "/start"},
    "/closed": {"PATH": "/closed", "AUTH": AUTH, "STRIP_PATH": "true", "LISTEN": "false", "MODE": "http"},
    "/written": {
        "VHOST": "*.own, ~o[0-9]\\.mine",
        "STRIP_PATH": "true",
        "PATH": "/own",
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH": "use_backend {backend} if host_{cleanedUpHostname} METH_GET",
        "FRONTEND_HEAD": "",
        "LISTEN": "false",
    },
}


PLAIN = "/shop"
OUTWEIGHED = ("/light", "host *.example/api/deep")


@asynccontextmanager
async def balancer(binary: Binary, folder: Path, nameless: str) -> AsyncIterator[Balancer]:
    http, https, *own = free_ports(2 + len(APPS))
    listed, ports = folder / "list", dict(zip(APPS, own, strict=True))
    listed.write_text(f"{CERTIFICATE}\n")
    profile = Profile(
        str(folder / "a.sock"), str(folder), 2_000, ("127.0.0.1",), http, https, 0, 0, certificate_list=str(listed)
    )
    async with stage(binary, folder) as at, AsyncExitStack() as tasks:
        echoes = {app_id: await tasks.enter_async_context(echo()) for app_id in APPS}
        apps = {app_id: app(app_id, ports[app_id], echoes[app_id], is_named=app_id != nameless) for app_id in APPS}
        table = build_routing(Snapshot(apps, "test", 0.0), Policy(("x",), review=RawReview()))
        assert [(problem.app_id, problem.subject) for problem in table.problems] == [OUTWEIGHED]
        await reach(at.proxy(designer=RunDesigner(profile)), table)
        yield Balancer(http, https, ports)


def app(app_id: str, port: int, task: int, *, is_named: bool) -> App:
    """`is_named`: a text of its owner's in its backend names it to the task."""
    named = {f"HAPROXY_0_{name}": text for name, text in APPS[app_id].items()}
    own = {"HAPROXY_0_BACKEND_HTTP_OPTIONS": f"http-request set-header X-App {app_id}"}
    named |= {"HAPROXY_GROUP": "x", **(own if is_named else {})}
    definition = AppDefinition(app_id, named, NetworkMode.BRIDGE, (AppPort(port, 0),))
    return App(definition, (Task(f"{app_id}.1", "127.0.0.1", "127.0.0.1", (task,), health=(True,)),))


KNOWN = {  # who says who it is
    ("b.example", "/api/deep/x?q"): "/shop /deep/x?q",  # the heavier, though the path of the other is longer
    ("s7.one", "/api"): "/shop /",
    ("sx.one", "/api"): "503",
    ("any", "/closed/x"): "/closed /x",
}
UNKNOWN = {  # who does not
    ("a.example", "/api/x"): "/named /api/x",
    ("b.example:8080", "/api/deep/x"): "401",
    ("S7.two", "/api"): "401",
    ("b.example", "/other/y"): "/light /other/y",
    ("x.old:80", "/p?q"): "301 https://x.old/p?q",
    ("www.root", "/"): "301 /start",
    ("c.top:80", "/"): "301 /start",
    ("d.top", "/"): "301 /start",
    ("www.root", "/x"): "/root /x",
    ("any", "/closed/x"): "401",
    ("w.own", "/own/x"): "/written /x",
    ("o1.mine", "/own"): "/written /",
    ("o1.other", "/own"): "503",
}


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
@pytest.mark.parametrize("nameless", ["", PLAIN], ids=["own texts everywhere", "one without"])
async def test_patterns_passwords_cut_paths_weights_and_own_texts_stand_together(
    binary: Binary, tmp_path: Path, nameless: str
) -> None:
    async with balancer(binary, tmp_path, nameless) as at:
        assert {asked: await at.app(*asked, **JOE) for asked in KNOWN} == KNOWN
        assert {asked: await at.app(*asked) for asked in UNKNOWN} == UNKNOWN
        assert (await Request("b.example", "/api", tls=True).to(at.https)).status == 401
        assert at.told(await Request("b.example", "/api", JOE, tls=True).to(at.https)) == "/shop /"
        assert at.told(await Request("any", "/api/x").to(at.ports["/shop"])) == "/shop /x"
        assert at.told(await Request("any").to(at.ports["/root"])) == "/root /"
        assert {where: await sent(at, where) for where in MOVED} == MOVED


MOVED = {
    "http://b.c.example:80/x": "/api/x",
    "https://S12.two/api/x": "/api/x",
    "http://b.example.evil/x": "http://b.example.evil/x",
    "http://sx.two/x": "http://sx.two/x",
    "/x": "/api/x",
}


async def sent(at: Balancer, location: str) -> str:
    return (await Request("b.example", "/api/", {**JOE, ANSWER_WITH: location}).to(at.http)).location
