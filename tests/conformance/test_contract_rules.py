"""The rules of the contract profile in small cases of our own, beside those that were recorded."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from milepost.proxies.haproxy.backend import HTTP_LINES, STICKY_LINE
from milepost.proxies.haproxy.contract import contract_of
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from milepost.sources.marathon.answer import snapshot_from_answer
from support.conformance import folded

CHECK = {"protocol": "HTTP", "portIndex": 0, "timeoutSeconds": 20, "intervalSeconds": 60, "maxConsecutiveFailures": 3}
CONTAINER: dict[str, Any] = {
    "networks": [{"mode": "container", "name": "n"}],
    "container": {"portMappings": [{"containerPort": 80, "servicePort": 10_000}]},
}


def written(labels: Mapping[str, str] | None = None, **members: Any) -> list[str]:
    """marathon-lb's lines for an app `/web` with one task at 10.0.0.1 and one port, where `members` say no other."""
    task = {"id": "t", "host": "10.0.0.1", "ports": [31_000], "ipAddresses": [{"ipAddress": "fd00::1"}]}
    app = {"id": "/web", "labels": labels or {}, "ports": [10_000], "tasks": [task], **members}
    snapshot = snapshot_from_answer(json.dumps({"apps": [app]}).encode(), "test", 0.0)
    table = build_routing(snapshot, Policy(("*",), health_check=False, exact=True))
    assert not table.problems
    return folded(contract_of(table).text)


def test_the_lines_that_both_profiles_write_are_the_same() -> None:
    def lines(name: str) -> tuple[str, ...]:
        return tuple(folded(BY_NAME[name].text))

    assert lines("BACKEND_HTTP_OPTIONS") == HTTP_LINES
    assert lines("BACKEND_STICKY_OPTIONS") == (STICKY_LINE,)


def test_an_ipv6_address_has_no_brackets() -> None:
    assert any(line.startswith("server 10_0_0_1_fd00__1_80 fd00::1:80 id ") for line in written(**CONTAINER))


@pytest.mark.parametrize(
    ("label", "value", "line"),
    [
        ("BIND_ADDR", "", "bind :10000"),
        ("BIND_ADDR", "10.0.0.9", "bind 10.0.0.9:10000"),
        ("MODE", "", "mode"),
        ("MODE", " tcp", "mode tcp"),
        ("BALANCE", "", "balance"),
        ("BALANCE", " leastconn ", "balance leastconn"),
    ],
)
def test_an_odd_value_stands_as_it_is(label: str, value: str, line: str) -> None:
    assert line in written({f"HAPROXY_0_{label}": value})


HOSTED = {"HAPROXY_0_VHOST": "a.example", "HAPROXY_0_MODE": "http"}


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        ({"HAPROXY_0_SSL_CERT": "/a.pem", "HAPROXY_0_BIND_OPTIONS": "alpn h2"}, "bind *:10000 ssl crt /a.pem alpn h2"),
        ({"HAPROXY_0_SSL_CERT": ""}, "bind *:10000"),
        ({"HAPROXY_0_AUTH": "r::p"}, "acl auth_a_example_web http_auth(user_web_10000)"),
        ({"HAPROXY_0_AUTH": ":u:p"}, "userlist user_web_10000"),
        ({"HAPROXY_0_AUTH": ":u:p"}, "use_backend web_10000 if { ssl_fc_sni a.example }"),
        ({"HAPROXY_0_BACKEND_WEIGHT": " 1_0 "}, "acl host_a_example_web hdr(host) -i a.example"),
        ({"HAPROXY_0_FRONTEND_BACKEND_GLUE": "  default_backend {backend}"}, "default_backend web_10000"),
        ({"HAPROXY_0_HTTP_FRONTEND_ACL": "  # {path}{realm} {bindAddr}\r\n"}, "# *"),
    ],
)
def test_a_label_of_a_host_gives_its_line(labels: Mapping[str, str], line: str) -> None:
    assert line in written({**HOSTED, **labels})


def test_an_empty_template_takes_its_part_out() -> None:
    lines = written(HOSTED | {"HAPROXY_0_FRONTEND_HEAD": "", "HAPROXY_0_FRONTEND_BACKEND_GLUE": ""})
    assert "frontend web_10000" not in lines
    assert "use_backend web_10000" not in lines
    assert "backend web_10000" in lines


def test_the_numbers_of_a_check_stand_as_they_are() -> None:
    check = CHECK | {"timeoutSeconds": 0, "intervalSeconds": 0, "maxConsecutiveFailures": 0}
    lines = written(healthChecks=[check])
    assert "timeout check 0s" in lines
    assert any(line.endswith("check inter 0s fall 1") for line in lines)
