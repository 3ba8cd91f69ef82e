"""What apps may take of hosts and ports, where the operator has rules for it."""

import pytest

from milepost.model.problem import Problem
from milepost.model.routing import Holders, RoutingTable
from milepost.routing.build import build_routing
from milepost.routing.claims import Grant
from milepost.routing.policy import Policy
from support.apps import app, snapshot

RULES = (
    Grant("/shop/*", ("*.shop.example", "shop.example"), ((10_000, 10_099),), by_app_id=False),
    Grant("/shop/admin", ports=((9_000, 9_000),)),
)
REASON = "no rule of policy.claims allows it to this app"


def table(app_id: str, port: int, hosts: str, *rules: Grant) -> RoutingTable:
    labels = {"HAPROXY_0_VHOST": hosts}
    return build_routing(snapshot(app(app_id, port=port, labels=labels)), Policy(("external",), grants=rules))


def test_what_no_rule_allows_is_refused_with_the_reason() -> None:
    found = table("/web", 9_500, "a.shop.example", *RULES)
    (service,) = found.services
    assert (service.hosts, service.listens, service.serves_app_id) == ((), False, False)
    assert found.problems == (
        Problem("/web", "app", f"reached by its id: {REASON}; the app-id port does not lead to it"),
        Problem("/web", "host a.shop.example", f"{REASON}; the host does not lead to this app"),
        Problem("/web", "port 9500", f"{REASON}; nothing listens there for this app"),
    )


def test_only_what_is_refused_is_lost() -> None:
    (service,) = table("/shop/cart", 10_099, "shop.example,shop.example.org,x.y.shop.example", *RULES).services
    assert (service.hosts, service.listens) == (("shop.example", "x.y.shop.example"), True)


def test_an_app_may_have_what_any_of_its_rules_allows() -> None:
    found = table("/shop/admin", 9_000, "a.shop.example", *RULES)
    (service,) = found.services
    assert (service.hosts, service.listens, service.serves_app_id) == (("a.shop.example",), True, True)
    assert not found.problems


def test_without_any_rule_everything_is_allowed() -> None:
    found = table("/web", 1, "b.example")
    assert found.services[0].listens
    assert not found.problems


@pytest.mark.parametrize(
    ("host", "allowed", "is_allowed"),
    [
        ("*.example", "*.shop.example", False),
        ("*.example", "?.example", False),
        ("*.example", "[!a].example", False),
        ("*", "*.example", False),
        ("*", "?", False),
        ("~.*.shop.example", "*.shop.example", False),
        ("~a", "[~]a", False),
        ("*.a.example", "*.example", True),
        ("*.shop.example", "*.shop.example", True),
        ("*", "*", True),
        ("~a|b", "*", True),
    ],
)
def test_a_pattern_is_allowed_where_all_is_that_it_stands_for(host: str, allowed: str, is_allowed: bool) -> None:
    (service,) = table("/web", 1, host, Grant("*", (allowed,), ((1, 1),))).services
    assert bool(service.hosts) is is_allowed


@pytest.mark.parametrize(("allowed", "hosts"), [("*.example", ()), ("*", ("*",))])
def test_a_path_alone_asks_for_every_host(allowed: str, hosts: tuple[str, ...]) -> None:
    labels = {"HAPROXY_0_PATH": "/api", "HAPROXY_0_MODE": "http"}
    rules = (Grant("*", (allowed,), ((1, 1),)),)
    (service,) = build_routing(
        snapshot(app("/web", port=1, labels=labels)), Policy(("external",), grants=rules)
    ).services
    assert service.hosts == hosts


def test_a_rule_comes_before_who_holds_what() -> None:
    """Else an app that is no longer allowed would keep others from it."""
    apps = snapshot(
        app("/a", labels={"HAPROXY_0_VHOST": "shop.example"}),
        app("/shop/b", labels={"HAPROXY_0_VHOST": "shop.example"}),
    )
    holders = Holders({"host shop.example": "/a", "port 10000 *": "/a"})
    found = build_routing(apps, Policy(("external",), grants=RULES), holders)
    assert [(service.hosts, service.listens) for service in found.services] == [((), False), (("shop.example",), True)]
    assert {problem.app_id for problem in found.problems if problem.subject != "app"} == {"/a"}
