"""The table as a whole: equal to one built anew, the same objects where nothing changed, structure from definitions."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from milepost.model.problem import Problem
from milepost.model.routing import Holders, RoutingTable
from milepost.model.shared_map import SharedMap
from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, NetworkMode, Snapshot, Task
from milepost.routing.build import Router, build_routing
from milepost.routing.policy import Policy
from support.apps import app, snapshot, task

POLICY = Policy(("external",))


def test_a_change_of_tasks_leaves_the_structure_and_the_other_pools_the_same_objects() -> None:
    router = Router(POLICY)
    web, api = app("/web", task(0), port=10_000), app("/api", task(1), port=10_001)
    before = router.build(snapshot(web, api))
    after = router.build(snapshot(replace(web, tasks=(task(2),)), api), before.holders)
    assert after.services is before.services
    assert after.holders is before.holders
    assert after.endpoints["api_10001"] is before.endpoints["api_10001"]
    assert [endpoint.port for endpoint in after.endpoints["web_10000"]] == [31_002]


def test_a_task_that_serves_nothing_changes_no_pool() -> None:
    router = Router(POLICY)
    web = app("/web", task(0))
    before = router.build(snapshot(web))
    staging = task(1, state="TASK_STAGING")
    after = router.build(snapshot(replace(web, tasks=(*web.tasks, staging))), before.holders)
    assert after.endpoints["web_10000"] is before.endpoints["web_10000"]
    assert [drop.task_id for drop in after.dropped["/web"]] == [staging.id]


def test_a_new_app_leaves_the_pools_of_others_the_same_objects() -> None:
    router = Router(POLICY)
    before = router.build(snapshot(app("/web", task(0))))
    after = router.build(snapshot(app("/web", task(0)), app("/new", port=10_001)), before.holders)
    assert after.endpoints["web_10000"] is before.endpoints["web_10000"]
    assert [service.app_id for service in after.services] == ["/new", "/web"]


def test_services_without_a_task_are_there_with_an_empty_pool() -> None:
    table = build_routing(snapshot(app("/web")), POLICY)
    assert [service.name for service in table.services] == ["web_10000"]
    assert table.endpoints == {"web_10000": ()}


def test_what_a_source_could_not_read_of_an_app_is_a_problem_of_the_table() -> None:
    problem = Problem("/web", "task t", "cannot be read")
    assert build_routing(snapshot(replace(app("/web"), problems=(problem,))), POLICY).problems == (problem,)


def open_port(app_id: str, *tasks: Task, port: int | None = None) -> App:
    labels = {"HAPROXY_GROUP": "external"}
    ports = (AppPort(port, 0, number=8080),)
    return App(AppDefinition(app_id, labels, NetworkMode.CONTAINER, ports), tasks)


def test_a_port_is_assigned_without_any_task_and_avoids_known_ports() -> None:
    table = build_routing(snapshot(open_port("/assigned")), POLICY)
    assert [service.port for service in table.services] == [10_099]
    table = build_routing(snapshot(open_port("/assigned"), open_port("/other", port=10_099)), POLICY)
    assert {service.app_id: service.port for service in table.services} == {"/assigned": 10_075, "/other": 10_099}


def test_who_was_given_a_port_keeps_it_from_those_who_come_later() -> None:
    before = build_routing(snapshot(open_port("/assigned")), POLICY)
    assert before.holders.by_key["assigned 10099 8080"] == "/assigned"
    both = snapshot(open_port("/assigned"), open_port("/new", port=10_099))
    after = build_routing(both, POLICY, before.holders)
    assert {service.app_id: (service.port, service.listens) for service in after.services} == {
        "/assigned": (10_099, True),
        "/new": (10_099, False),
    }
    assert build_routing(both, POLICY, after.holders) == after


def test_a_port_that_a_label_asks_for_is_given_to_nobody() -> None:
    moved = app("/moved")
    labels = {"HAPROXY_GROUP": "external", "HAPROXY_0_PORT": "10099"}
    moved = replace(moved, definition=replace(moved.definition, labels=labels))
    table = build_routing(snapshot(open_port("/assigned"), moved), POLICY)
    assert {service.app_id: service.port for service in table.services} == {"/assigned": 10_075, "/moved": 10_099}


def test_without_a_range_such_a_port_is_dropped() -> None:
    table = build_routing(snapshot(open_port("/assigned")), replace(POLICY, assign_ports=None))
    assert not table.services
    assert table.dropped["/assigned"][0].reason == "has no service port, and none is assigned"


tasks = st.builds(
    Task,
    id=st.sampled_from(["t1", "t2", "t3"]),
    host=st.sampled_from(["10.0.0.1", "10.0.0.2"]),
    address=st.sampled_from(["10.0.0.1", None]),
    ports=st.sampled_from([(), (31_000,), (31_000, 31_001), (31_002, 0)]),
    state=st.sampled_from(["TASK_RUNNING", "TASK_KILLING", ""]),
    health=st.sampled_from([None, (), (True,), (False,)]),
)
definitions = st.builds(
    AppDefinition,
    id=st.just("/x"),
    labels=st.fixed_dictionaries(
        {"HAPROXY_GROUP": st.sampled_from(["external", "internal"])},
        optional={
            "HAPROXY_0_VHOST": st.sampled_from(["a.example", "a.example,b.example", "b example"]),
            "HAPROXY_0_PORT": st.sampled_from(["10001", "x"]),
            "HAPROXY_1_MODE": st.sampled_from(["http", "tcp"]),
            "HAPROXY_0_PATH": st.sampled_from(["/a", "/a /b"]),
        },
    ),
    network=st.sampled_from(NetworkMode),
    ports=st.lists(
        st.builds(AppPort, st.sampled_from([None, 0, 10_000, 10_001]), st.integers(0, 1), number=st.just(8080)),
        max_size=2,
    ).map(tuple),
    health_checks=st.sampled_from([(), (HealthCheck(port_index=0),)]),
)
problems = st.sampled_from([(), (Problem("/x", "task t", "cannot be read"),)])
apps = st.builds(App, definitions, st.lists(tasks, max_size=3).map(tuple), problems=problems)


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Snapshots that follow one another: apps come, go, stay the very same object, or change only their tasks."""
    current: dict[str, App] = {}
    history: list[Snapshot] = []
    for _ in range(draw(st.integers(1, 5))):
        for app_id in draw(st.lists(st.sampled_from(["/a", "/a/b", "/a_b"]), max_size=2)):
            change = draw(st.sampled_from(["gone", "tasks", "new"]))
            if change == "gone":
                current.pop(app_id, None)
            elif change == "tasks" and app_id in current:
                current[app_id] = replace(current[app_id], tasks=tuple(draw(st.lists(tasks, max_size=3))))
            else:
                made = draw(apps)
                current[app_id] = replace(made, definition=replace(made.definition, id=app_id))
        shared = SharedMap(current, history[-1].apps if history else None)
        history.append(Snapshot(shared if draw(st.booleans()) else dict(current), "test", 0.0))
    return history


policies = st.sampled_from([POLICY, Policy(("*",), exact=True), Policy(("external",), health_check=False)])


@given(histories(), policies, st.booleans())
def test_a_router_that_remembers_builds_what_a_new_one_builds(
    history: list[Snapshot], policy: Policy, hands_back: bool
) -> None:
    router, holders = Router(policy), Holders()
    for moment in history:
        table = router.build(moment, holders)
        assert table == build_routing(moment, policy, holders)
        holders = table.holders if hands_back else holders


@given(apps, st.lists(tasks, max_size=3))
def test_the_structure_follows_from_definitions_alone(one: App, others: list[Task]) -> None:
    def built(found: App) -> RoutingTable:
        return build_routing(Snapshot({found.id: found}, "test", 0.0), POLICY)

    assert built(one).services == built(replace(one, tasks=tuple(others))).services


@given(apps, policies)
def test_each_port_and_task_serves_or_has_a_reason(one: App, policy: Policy) -> None:
    table = build_routing(Snapshot({one.id: one}, "test", 0.0), policy)
    drops = table.dropped.get(one.id, ())
    if not any(drop.index is None and not drop.task_id for drop in drops):
        dropped_ports = {drop.index for drop in drops if not drop.task_id}
        served = {service.index for service in table.services}
        numbers = [port.service_port for port in one.definition.ports]
        for index, number in enumerate(numbers):
            assert index in served | dropped_ports or number in numbers[index + 1 :] or policy.exact
    if table.services:
        served_tasks = {endpoint.task_id for pool in table.endpoints.values() for endpoint in pool}
        assert {task.id for task in one.tasks} <= served_tasks | {drop.task_id for drop in drops}
