"""The table of apps that are served in groups: names that owners know, and nothing rebuilt that did not change."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from milepost.model.snapshot import App
from milepost.routing.build import Router, build_routing
from milepost.routing.claims import Grant
from milepost.routing.policy import Policy
from support.apps import app, snapshot, task
from support.colours import colour, scaled, without

POLICY = Policy(("external",))
OTHER = app("/other", task(7, app="other"), port=10_007)


def test_the_group_is_served_under_its_own_name_and_each_app_knows_it() -> None:
    table = build_routing(snapshot(colour("blue", 2), OTHER, colour("green", 1)), POLICY)
    assert [(service.name, service.app_id) for service in table.services] == [
        ("other_10007", "/other"),
        ("web_10000", "/web"),
    ]
    assert table.groups == {"/web-blue": "/web", "/web-green": "/web"}


def test_a_change_of_one_colour_leaves_everything_else_the_same_object() -> None:
    router = Router(POLICY)
    blue, green = colour("blue", 2), colour("green", 1, healthy=0)
    before = router.build(snapshot(blue, green, OTHER))
    after = router.build(snapshot(blue, replace(green, tasks=colour("green", 1).tasks), OTHER), before.holders)
    assert after.services is before.services
    assert after.endpoints["other_10007"] is before.endpoints["other_10007"]
    assert [endpoint.is_drained for endpoint in after.endpoints["web_10000"]] == [False, False, False]
    assert len(before.endpoints["web_10000"]) == 2


def test_what_becomes_of_a_task_is_told_of_the_app_that_has_it() -> None:
    table = build_routing(snapshot(colour("blue", 3), colour("green", 2, healthy=1)), POLICY)
    assert [(drop.task_id, drop.reason[:10]) for drop in table.dropped["/web-blue"]] == [("web-blue.0", "is drained")]
    assert [(drop.task_id, drop.reason) for drop in table.dropped["/web-green"]] == [("web-green.1", "is not alive")]
    assert table.dropped.keys() == {"/web-blue", "/web-green"}
    assert table.drained == {"web-blue.0"}


def test_a_port_that_is_not_taken_is_told_of_every_colour() -> None:
    labels = {"HAPROXY_GROUP": "internal"}
    table = build_routing(snapshot(colour("blue", 2, labels=labels), colour("green", 1, labels=labels)), POLICY)
    assert table.services == ()
    assert [table.dropped[name][0].index for name in ("/web-blue", "/web-green")] == [0, 0]


def test_a_bad_label_is_a_problem_of_the_colour_that_has_it_even_before_it_counts() -> None:
    bad = {"HAPROXY_0_BALANCE": "by chance"}
    for blue, green, owner in [(bad, {}, "/web-blue"), ({}, bad, "/web-green")]:
        table = build_routing(snapshot(colour("blue", 2, labels=blue), colour("green", 1, labels=green)), POLICY)
        assert [(found.app_id, found.subject) for found in table.problems] == [(owner, "HAPROXY_0_BALANCE")]


def test_when_the_old_colour_is_deleted_its_service_stays_the_same_object() -> None:
    router = Router(POLICY)
    blue, green = colour("blue", 3), colour("green", 3)
    before = router.build(snapshot(blue, green, OTHER))
    after = router.build(snapshot(green, OTHER), before.holders)
    assert after.services is before.services
    assert [endpoint.task_id for endpoint in after.endpoints["web_10000"]] == [f"web-green.{n}" for n in range(3)]
    assert (after.groups, after.dropped, after.drained) == ({"/web-green": "/web"}, {}, frozenset())


def test_an_app_that_has_the_id_of_a_group_keeps_it() -> None:
    both = snapshot(app("/web", task(1), port=10_020), colour("blue", 1))
    table = build_routing(both, POLICY)
    assert [service.app_id for service in table.services] == ["/web", "/web-blue"]
    assert [(found.app_id, found.subject) for found in table.problems] == [("/web-blue", "HAPROXY_DEPLOYMENT_GROUP")]


def test_a_task_of_a_colour_and_one_of_another_app_have_one_owner_of_their_address() -> None:
    router = Router(POLICY)
    blue = colour("blue", 1)
    place = blue.tasks[0]
    taken = replace(OTHER, tasks=(replace(place, id="other.9", observed_s=5.0),))
    before = router.build(snapshot(blue, OTHER))
    after = router.build(snapshot(blue, taken), before.holders)
    assert after.endpoints["web_10000"] == ()
    assert [drop.task_id for drop in after.dropped["/web-blue"]] == ["web-blue.0"]


def test_without_any_group_the_apps_of_the_snapshot_are_routed_as_they_are() -> None:
    router = Router(POLICY)
    router.build(snapshot(OTHER, colour("blue", 1)))
    table = router.build(snapshot(OTHER))
    assert table == build_routing(snapshot(OTHER), POLICY)


ungrouped = without(colour("blue", 1), "DEPLOYMENT_GROUP")
members = st.sampled_from(
    [
        colour("blue", 2),
        colour("blue", 3, healthy=1),
        colour("blue", 1, labels={"HAPROXY_DEPLOYMENT_GROUP": "/else"}),
        scaled(colour("blue", 2), 3),
        ungrouped,
        colour("green", 1),
        colour("green", 3, target=1),
        colour("green", 2, labels={"HAPROXY_DEPLOYMENT_STARTED_AT": "x"}),
        scaled(colour("green", 2), 1),
        colour("red", 1),
        app("/web", task(3), port=10_030),
        OTHER,
    ]
)
snapshots = st.lists(members, max_size=5, unique_by=lambda found: found.id)


@given(history=st.lists(snapshots, min_size=1, max_size=5), exact=st.booleans())
def test_a_router_that_has_seen_more_says_the_same_as_a_new_one(history: list[list[App]], exact: bool) -> None:
    policy = replace(POLICY, exact=exact)
    router, holders = Router(policy), None
    for apps in history:
        before = router.build(snapshot(*apps), holders) if holders else router.build(snapshot(*apps))
        fresh = Router(policy).build(snapshot(*apps), holders) if holders else build_routing(snapshot(*apps), policy)
        assert before == fresh
        holders = before.holders


def test_a_label_alone_does_not_get_an_app_what_another_id_is_allowed() -> None:
    rules = (Grant("/web*", ("web.example",), ((10_000, 10_000),)),)
    labels = {"HAPROXY_0_VHOST": "web.example"}
    blue = colour("blue", 1, labels=labels)
    stranger = app("/evil", task(9, app="evil"), labels={"HAPROXY_DEPLOYMENT_GROUP": "/web", **labels})
    table = build_routing(snapshot(blue, stranger), replace(POLICY, grants=rules))
    assert table.groups == {"/web-blue": "/web"}
    assert [(service.app_id, service.hosts) for service in table.services] == [
        ("/evil", ()),
        ("/web", ("web.example",)),
    ]
    assert [endpoint.task_id for endpoint in table.endpoints["web_10000"]] == ["web-blue.0"]
    told = [found.message for found in table.problems if found.subject == "HAPROXY_DEPLOYMENT_GROUP"]
    assert told == ["a rule of policy.claims for /web does not fit this app's own id: it is served by itself"]


def test_groups_of_one_name_in_two_sources_are_two() -> None:
    east = [replace(one, definition=replace(one.definition, id=f"east:{one.id}")) for one in (colour("blue", 2),)]
    table = build_routing(snapshot(colour("blue", 2), *east), POLICY)
    assert table.groups == {"/web-blue": "/web", "east:/web-blue": "east:/web"}
    assert table.drained == frozenset()
