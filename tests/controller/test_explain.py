"""What `explain` says of an app, for each stage that may leave something out."""

from dataclasses import replace

import pytest

from milepost.controller.explain import NOT_IN_PROXY, explain, unknown_app
from milepost.model.problem import Problem
from milepost.model.routing import RoutingTable
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from support.apps import snapshot
from support.colours import colour
from support.scene import PROBLEMS, SNAPSHOT, TABLE


def test_an_unknown_app_is_answered_with_the_nearest_ids() -> None:
    explanation = explain("/shop/wbe", SNAPSHOT, TABLE)
    assert not explanation.seen
    assert explanation.nearest[0] == "/shop/web"
    assert unknown_app(explanation) == "marathon has no app /shop/wbe; did you mean /shop/web or /shop/db?"


def test_an_app_that_resembles_nothing_gets_no_guess() -> None:
    assert unknown_app(explain("/zzzzzzzzzzzz", SNAPSHOT, TABLE)) == "marathon has no app /zzzzzzzzzzzz"


def test_an_app_that_is_not_selected_says_why() -> None:
    explanation = explain("/shop/db", SNAPSHOT, TABLE)
    assert (explanation.seen, explanation.selected) == (True, False)
    assert explanation.reasons == ("no label HAPROXY_GROUP; groups taken: external",)
    (port,) = explanation.ports
    assert (port.service, port.reasons) == ("", ("port 10002 asks for no group",))


def test_a_port_shows_where_it_is_routed() -> None:
    port = explain("/shop/web", SNAPSHOT, TABLE).ports[0]
    assert (port.service, port.listen, port.hosts, port.path) == (
        "shop_web_10000",
        "*:10000",
        ("shop.example",),
        ("/a",),
    )
    assert port.by_app_id
    assert port.reasons == ()


def test_a_lost_port_names_the_app_that_holds_it() -> None:
    port = explain("/shop/web", SNAPSHOT, TABLE).ports[1]
    assert (port.listen, port.reasons) == ("", ("port 10001: is held by /old/web",))


def test_a_lost_host_stands_at_the_port_whose_label_asks_for_it() -> None:
    lost = Problem("/shop/web", "host old.example", "is held by /old/web")
    web = SNAPSHOT.apps["/shop/web"]
    labels = {"HAPROXY_0_VHOST": "shop.example", "HAPROXY_1_VHOST": "New.example, OLD.example"}
    app = replace(web, definition=replace(web.definition, labels=labels))
    snapshot = replace(SNAPSHOT, apps={"/shop/web": app})
    first, second = explain("/shop/web", snapshot, replace(TABLE, problems=(lost,))).ports
    assert (first.reasons, second.reasons) == ((), ("host old.example: is held by /old/web",))


def test_a_label_that_cannot_be_read_stands_with_its_problem_and_secrets_do_not_show() -> None:
    explanation = explain("/shop/web", SNAPSHOT, TABLE)
    assert {label.name: label.problem for label in explanation.labels} == {
        "HAPROXY_0_AUTH": "",
        "HAPROXY_0_MODE": PROBLEMS[0].message,
        "HAPROXY_GROUP": "",
    }
    assert "s3cret" not in repr(explanation)


def test_a_dropped_task_says_why_and_where_it_still_serves() -> None:
    task = explain("/shop/web", SNAPSHOT, TABLE).tasks[1]
    assert task.reasons == ("Marathon reports it not alive",)
    assert [(server.service, server.address) for server in task.servers] == [("shop_web_10000", "[2001:db8::2]:31002")]


def test_a_server_s_state_is_the_running_proxy_s_word() -> None:
    live = {"shop_web_10000": {"192.0.2.1:31000": "up"}}
    first, second = explain("/shop/web", SNAPSHOT, TABLE, live).tasks
    assert [server.state for server in first.servers] == ["up", NOT_IN_PROXY]
    assert [server.state for server in second.servers] == [NOT_IN_PROXY]


def test_without_a_proxy_no_state_is_claimed() -> None:
    states = {server.state for task in explain("/shop/web", SNAPSHOT, TABLE).tasks for server in task.servers}
    assert states == {""}


def test_every_problem_of_the_app_and_no_other_is_listed() -> None:
    foreign = replace(PROBLEMS[0], app_id="/other")
    table = replace(TABLE, problems=(*PROBLEMS, foreign))
    assert set(explain("/shop/web", SNAPSHOT, table).problems) == set(PROBLEMS)


@pytest.mark.parametrize(
    ("labels", "lost"),
    [
        ({"HAPROXY_0_VHOST": r"a.example, ~B\d\.example"}, "host ~b[0-9][.]example"),
        ({"HAPROXY_0_VHOST": "*.Example"}, "host *.example/api"),
        ({"HAPROXY_0_PATH": "/api"}, "host */api"),
    ],
)
def test_a_lost_pattern_stands_at_its_port_however_it_was_written(labels: dict[str, str], lost: str) -> None:
    problem = Problem("/shop/web", lost, "is held by /old/web")
    others = {"HAPROXY_1_VHOST": "other.example"}
    web = SNAPSHOT.apps["/shop/web"]
    app = replace(web, definition=replace(web.definition, labels={**labels, **others}))
    snapshot = replace(SNAPSHOT, apps={"/shop/web": app})
    first, second = explain("/shop/web", snapshot, replace(TABLE, problems=(problem,))).ports
    assert first.reasons == (f"{lost}: is held by /old/web",)
    assert second.reasons == ()


def test_an_app_is_explained_before_it_was_routed() -> None:
    explanation = explain("/shop/web", SNAPSHOT, RoutingTable())
    assert not explanation.selected
    assert [port.service for port in explanation.ports] == ["", ""]


def test_each_colour_of_a_deployment_is_explained_by_its_own_id() -> None:
    seen = snapshot(colour("blue", 3), colour("green", 1))
    table = build_routing(seen, Policy(("external",)))
    blue, green = (explain(app_id, seen, table) for app_id in ("/web-blue", "/web-green"))
    assert (blue.served_as, green.served_as) == ("/web", "/web")
    assert [port.service for port in (*blue.ports, *green.ports)] == ["web_10000", "web_10000"]
    assert [task.servers[0].address for task in green.tasks] == ["10.0.2.1:31000"]
    assert [task.reasons[0][:10] for task in blue.tasks if task.reasons] == ["is drained"]


def test_what_the_proxy_refused_of_a_deployment_is_told_of_each_colour() -> None:
    seen = snapshot(colour("blue", 3), colour("green", 1))
    table = build_routing(seen, Policy(("external",)))
    refused = Problem("/web", "port 10000", "is taken by another process")
    seen = replace(seen, problems=(refused,))
    assert [explain(app_id, seen, table).problems for app_id in ("/web-blue", "/web-green")] == [(refused,)] * 2
