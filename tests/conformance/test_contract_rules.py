"""The rules of the contract profile in small cases of our own, beside those that were recorded."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from milepost.proxies.haproxy.contract import contract_of
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


def test_the_numbers_of_a_check_stand_as_they_are() -> None:
    check = CHECK | {"timeoutSeconds": 0, "intervalSeconds": 0, "maxConsecutiveFailures": 0}
    lines = written(healthChecks=[check])
    assert "timeout check 0s" in lines
    assert any(line.endswith("check inter 0s fall 1") for line in lines)
