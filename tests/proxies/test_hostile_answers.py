"""Whatever a Marathon answers, HAProxy's text, maps and commands consist of lines of known forms."""

import json
import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from milepost.errors import SourceError
from milepost.model.routing import RoutingTable
from milepost.proxies.haproxy.changes import AddMapEntry, AddServer, LiveChange
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.contract import contract_of
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.render import render, render_map
from milepost.routing.bind_options import FLAGS, WITH_VALUE
from milepost.routing.build import build_routing
from milepost.routing.labels import TABLE
from milepost.routing.policy import Policy
from milepost.sources.marathon.answer import snapshot_from_answer

PROFILE = Profile("/run/a.sock", "/run/maps", max_files=20_000, certificate_list="/run/list")
PLAIN = RoutingTable()
OPTIONS = "ssl crt /etc/web.pem accept-proxy alpn h2 v4v6"
AUTH = "a realm:joe:$5$salt$" + "a" * 43

NAME = r"[A-Za-z0-9._-]+"
WORD = r"""[^\s"'#]+"""
BIND_FLAG = f"({'|'.join(FLAGS - {'ssl'})})"
BIND_VALUE = f"({'|'.join(WITH_VALUE.keys() - {'crt'})})"
ADDRESS = r"(\*|[0-9.]+|\[[0-9a-f:.]+\])"
HOST = r"req\.hdr\(host\),field\(1,:\),lower"
PATHS = r"(-i )?/[^ ]*( /[^ ]*)*"
SERVER = rf"{ADDRESS}:[0-9]+ id [0-9]+( cookie [0-9a-f]+)?( check( inter [0-9]+s fall [0-9]+( port [0-9]+)?)?)?"
POOL = r" pool-max-conn -1 pool-purge-delay 5s"
FORMS = (
    rf"(frontend|backend) {NAME}( from milepost_(frontends|backends))?",
    rf"  bind {ADDRESS}:[0-9]+( ssl crt /[A-Za-z0-9._/+-]+)?(( {BIND_FLAG})|( {BIND_VALUE} [A-Za-z0-9!+@:,._/=-]+))*",
    r"  mode (http|tcp)",
    r"  balance [a-z-]+( [a-z0-9-]+)*",
    r"  option httpchk GET /[^ ]*",
    r"  timeout check [0-9]+s",
    rf"  use_backend {NAME}",
    rf"  use_backend {NAME} if {{ {HOST} -m str {NAME} }} {{ path_beg {PATHS} }}",
    rf"  server {NAME} {SERVER}{POOL}",
    rf"userlist user_{NAME}",
    rf"  user {WORD} password {WORD}",
    rf'  http-request auth realm "[A-Za-z0-9 ]+" if ({{ fe_name [a-z_ ]+ }} )?!{{ http_auth\(user_{NAME}\) }}',
    r"  acl network_allowed src [0-9a-f.:/]+( [0-9a-f.:/]+)*",
    r"  (http-request deny|tcp-request content reject) unless network_allowed",
    r"  http-request redirect prefix https://%\[req\.hdr\(host\),field\(1,:\)\] code 301 if [a-z_{}! ]+",
    rf"  acl is_domain {HOST} -m str {NAME}",
    rf"  http-request redirect code 301 location {WORD} if {{ path / }} is_domain",
    rf"  http-request set-header Host {NAME}",
    r"  http-request replace-path \(\?i\)\^/[A-Za-z0-9/._~\[\]-]*/\?\(\.\*\) /\\1",
    rf"  http-response replace-header Location {WORD} {WORD}( unless {{ .* }} \|\| {{ .* }})?",
    r"  http-response add-header Strict-Transport-Security max-age=15768000",
)
LINE = re.compile("|".join(FORMS))
COMMANDS = re.compile(
    rf"add server {NAME}/{NAME} {SERVER}{POOL}|enable (server|health) {NAME}/{NAME}"
    rf"|add map /run/maps/[a-z]+\.map /?{NAME}(/{NAME})* {NAME}"
)

hostile = st.sampled_from(
    [
        "a\n  server x 10.6.6.6:1",
        "a\r\nprogram x",
        "x #",
        '"${HOME}"',
        "'",
        "\\",
        "unix@/run/a.sock",
        "fd@3",
        "0.0.0.0",
        "-f",
        "a;b",
        "a b",
        "\x00",
        "\u2028",
        "é",
        "${A}",
        "%[src]",
        "*",
        "",
        "../..",
        "a" * 300,
    ]
) | st.text(max_size=8)


def text(*usual: str) -> st.SearchStrategy[str]:
    return st.sampled_from(usual) | hostile


labels = st.dictionaries(
    st.sampled_from([label.name for label in TABLE]).map(lambda n: f"HAPROXY_0_{n}") | hostile,
    text(
        "a.example,b.example",
        "/a /b",
        "http",
        "leastconn",
        "::1",
        "81",
        "true",
        AUTH,
        "/app",
        "10.0.0.0/8 ::1",
        OPTIONS,
    ),
    max_size=8,
)
checks = st.fixed_dictionaries(
    {"protocol": text("HTTP", "TCP"), "path": text("/health"), "portIndex": st.just(0)},
    optional={"intervalSeconds": st.integers(0, 2**40), "port": st.integers(0, 65_535)},
)
tasks = st.fixed_dictionaries(
    {
        "id": text("web.1"),
        "host": text("10.0.0.1", "node-1", "fd00::1"),
        "ports": st.just([31_000]),
        "ipAddresses": st.lists(st.fixed_dictionaries({"ipAddress": text("9.0.0.1", "fd00::9")}), max_size=1),
    },
    optional={"state": text("TASK_RUNNING"), "version": hostile},
)
apps = st.fixed_dictionaries(
    {
        "id": text("/web", "/shop/api.v1"),
        "labels": labels,
        "networks": st.lists(
            st.fixed_dictionaries({"mode": text("host", "container/bridge", "container")}), max_size=1
        ),
        "container": st.fixed_dictionaries(
            {
                "portMappings": st.just([{"containerPort": 80, "servicePort": 10_000}]),
                "docker": st.fixed_dictionaries({"network": text("BRIDGE", "USER")}),
            }
        ),
        "portDefinitions": st.lists(
            st.fixed_dictionaries({"port": st.just(10_000), "name": hostile, "protocol": text("tcp")}), max_size=1
        ),
        "healthChecks": st.lists(checks, max_size=1),
        "tasks": st.lists(tasks, max_size=2),
    }
)


def table_of(answer: list[dict[str, Any]], *, exact: bool) -> RoutingTable:
    try:
        snapshot = snapshot_from_answer(json.dumps({"apps": answer}).encode(), "test", 0.0)
    except SourceError:
        return PLAIN
    return build_routing(snapshot, Policy(("*",), health_check=False, exact=exact))


FIXED = frozenset(
    line
    for table in (
        PLAIN,
        table_of(
            [{"id": "/a", "labels": {"HAPROXY_0_STICKY": "1", "HAPROXY_0_MODE": "http"}, "ports": [1]}], exact=False
        ),
    )
    for line in render(RunDesigner(PROFILE).desired(table)).split("\n")
)


@given(st.lists(apps, max_size=2))
@example(
    [
        {
            "id": "/web",
            "labels": {
                "HAPROXY_0_VHOST": "a.example,b.example",
                "HAPROXY_0_AUTH": AUTH,
                "HAPROXY_0_REDIRECT_TO_HTTPS": "true",
                "HAPROXY_0_BACKEND_NETWORK_ALLOWED_ACL": "10.0.0.0/8 ::1",
                "HAPROXY_0_USE_HSTS": "true",
                "HAPROXY_0_BIND_OPTIONS": OPTIONS,
                "HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH": "/v1.0",
                "HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH": "/v1.0",
                "HAPROXY_0_HTTP_BACKEND_REDIR": "https://b.example:1/?x=1",
            },
            "ports": [10_000],
            "tasks": [],
        }
    ]
)
@example(
    [
        {
            "id": "/web",
            "labels": {"HAPROXY_0_VHOST": "a.example", "HAPROXY_0_PATH": "-i /a /b/c", "HAPROXY_0_STICKY": "true"},
            "ports": [10_000],
            "healthChecks": [{"protocol": "HTTP", "portIndex": 0}],
            "tasks": [{"id": "t", "host": "fd00::1", "ports": [31_000]}],
        }
    ]
)
def test_every_line_and_command_has_a_known_form(answer: list[dict[str, Any]]) -> None:
    desired = RunDesigner(PROFILE).desired(table_of(answer, exact=False))
    for line in render(desired).split("\n"):
        is_global = line.startswith(("  description ", "  maxconn "))
        assert line in FIXED or is_global or LINE.fullmatch(line), line
    servers = [AddServer(backend, one, "", "") for backend, pool in desired.servers.items() for one in pool]
    entries = [AddMapEntry(path, *entry, "", "") for path, found in desired.maps.items() for entry in found]
    changes: list[LiveChange] = [*servers, *entries]
    for change in changes:
        assert all(COMMANDS.fullmatch(command) for command in change.commands), change.commands
    for path, found in desired.maps.items():
        lines = render_map(found).split("\n")[:-1]
        assert len(lines) == len(found), path
        assert all(len(line.split()) == 2 for line in lines), lines


@given(st.lists(apps, max_size=2))
def test_the_contracts_text_holds_no_quote_and_no_comment(answer: list[dict[str, Any]]) -> None:
    assert not set("\r\x00\"'#;") & set(contract_of(table_of(answer, exact=True)).text)
