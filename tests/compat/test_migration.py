"""What `milepost migrate marathon-lb` finds: each difference with its app, its label and its reason."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from milepost.compat.marathon_lb.migration import Difference, differences
from milepost.model.routing import RoutingTable
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from milepost.sources.marathon.answer import snapshot_from_answer


def an_app(
    app_id: str, port: int, labels: Mapping[str, str] | None = None, *, at: int = 31_000, tasks: int = 1
) -> dict[str, Any]:
    """An app of one port. `labels` without HAPROXY_0_."""
    return {
        "id": app_id,
        "labels": {f"HAPROXY_0_{name}": value for name, value in (labels or {}).items()},
        "ports": [port],
        "tasks": [{"id": f"{app_id[1:]}.{n}", "host": f"10.0.0.{n + 1}", "ports": [at]} for n in range(tasks)],
    }


def found(*apps: dict[str, Any]) -> tuple[Difference, ...]:
    snapshot = snapshot_from_answer(json.dumps({"apps": apps}).encode(), "test", 0.0)

    def table(*, exact: bool) -> RoutingTable:
        ours: frozenset[int] = frozenset() if exact else frozenset({80, 443})
        return build_routing(snapshot, Policy(("*",), health_check=False, exact=exact, reserved_ports=ours))

    return differences(table(exact=True), table(exact=False))


def test_nothing_differs_for_a_usual_app() -> None:
    labels = {"VHOST": "a.example", "MODE": "http", "BALANCE": "leastconn", "STICKY": "true"}
    assert found(an_app("/a", 10_000, labels), an_app("/b", 10_001, at=31_001, tasks=3)) == ()


def test_a_host_that_two_apps_want_is_told_with_who_holds_it() -> None:
    (loser,) = found(
        an_app("/a", 10_000, {"VHOST": "x.example", "MODE": "http"}),
        an_app("/b", 10_000, {"MODE": "http"}, at=31_001),
    )
    assert (loser.app_id, loser.feature, loser.old, loser.new) == ("/b", "listener *:10000", "listens", "")
    assert loser.label == "HAPROXY_0_PORT"
    assert loser.reason == "is held by /a; nothing listens there for this app"


def test_a_rule_that_was_never_reached_is_no_difference() -> None:
    labels = {"VHOST": "x.example", "MODE": "http"}
    assert found(an_app("/a", 10_000, labels), an_app("/b", 10_001, labels, at=31_001)) == ()


def test_a_pattern_that_never_matched_leads_to_its_app_now() -> None:
    (one,) = found(an_app("/a", 10_000, {"VHOST": "*.a.example", "MODE": "http"}))
    assert (one.feature, one.old, one.new) == ("host *.a.example", "", "leads here")
    assert "had no effect" in one.reason


def test_an_app_without_a_task_is_answered_from_now_on() -> None:
    (kept,) = found(an_app("/idle", 10_000, tasks=0))
    assert (kept.feature, kept.old, kept.new) == ("service of port 10000", "", "served")
    assert "503" in kept.reason


@pytest.mark.parametrize(
    ("labels", "feature", "old", "new", "reason"),
    [
        ({"BALANCE": "uri", "MODE": "tcp"}, "option balance", "uri", "roundrobin", "needs mode http"),
        ({"STICKY": "true", "MODE": "tcp"}, "option sticky", "yes", "", "needs mode http"),
        ({"VHOST": "a.example", "MODE": "tcp"}, "host a.example", "leads here", "", "needs mode http"),
        ({"BALANCE": "bogus"}, "service of port 10000", "served", "", "expected an algorithm"),
        ({"PORT": "80"}, "listener *:80", "listens", "", "the balancer's own ports"),
    ],
)
def test_each_label_that_is_obeyed_otherwise_is_named(
    labels: dict[str, str], feature: str, old: str, new: str, reason: str
) -> None:
    (one,) = found(an_app("/a", 10_000, labels))
    assert (one.feature, one.old, one.new) == (feature, old, new)
    assert reason in one.reason


@pytest.mark.parametrize(
    ("label", "value"), [("AUTH", "realm:ann:plain"), ("REDIRECT_TO_HTTPS", "perhaps"), ("PATH", "/\u00e9t\u00e9")]
)
def test_a_host_that_leads_nowhere_is_told_with_the_label_that_closes_it(label: str, value: str) -> None:
    of_hosts = [
        one for one in found(an_app("/a", 10_000, {"VHOST": "a.example", label: value})) if "host" in one.feature
    ]
    for one in of_hosts:
        assert (one.feature.partition("/")[0], one.new) == ("host a.example", "")
        assert one.reason.startswith(f"HAPROXY_0_{label}: expected ")
        assert one.reason.endswith("; no host leads here")
    assert of_hosts


def test_a_password_is_never_told() -> None:
    labels = {"VHOST": "a.example", "AUTH": "realm:ann:$5$secret$hash"}
    assert "secret" not in repr(found(an_app("/a", 10_000, labels)))
