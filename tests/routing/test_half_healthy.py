"""Below half of its tasks alive a service keeps those that were alive once, and says so."""

from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from milepost.model.problem import Problem, Severity
from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, Task
from milepost.routing.build import Router, build_routing
from milepost.routing.policy import Policy
from support.apps import app, snapshot, task

POLICY = Policy(("external",))
State: TypeAlias = dict[str, Any]
WELL: State = {"health": (True,)}
ILL: State = {"health": (False,), "was_alive": True}
NEW: State = {"health": (False,)}


def checked(*states: State) -> App:
    made = app("/web", *(replace(task(number), **state) for number, state in enumerate(states)))
    definition: AppDefinition = replace(made.definition, health_checks=(HealthCheck(port_index=0),))
    return replace(made, definition=definition)


def serving(*states: State, policy: Policy = POLICY) -> list[int]:
    table = build_routing(snapshot(checked(*states)), policy)
    return [endpoint.port - 31_000 for endpoint in table.endpoints["web_10000"]]


CASES: list[tuple[str, list[State], list[int]]] = [
    ("all are well", [WELL, WELL], [0, 1]),
    ("half of them are", [WELL, ILL], [0]),
    ("less than half are", [WELL, ILL, ILL], [0, 1, 2]),
    ("none is", [ILL, ILL], [0, 1]),
    ("the only one is not", [ILL], [0]),
    ("new ones were never alive", [NEW, NEW], []),
    ("new ones do not count", [WELL, NEW, NEW, NEW], [0]),
    ("new ones get no traffic", [ILL, ILL, NEW], [0, 1]),
    ("one without results was alive once", [{"health": (), "was_alive": True}, ILL], [0, 1]),
    ("one that is being killed does not stay", [{**ILL, "state": "TASK_KILLING"}, ILL], [1]),
    ("one that has ended does not stay", [{**ILL, "state": "TASK_FAILED"}], []),
    ("an event alone says that it is ill", [{**NEW, "read": ("TASK_RUNNING", (True,)), "unconfirmed": "event"}], [0]),
]


@pytest.mark.parametrize(("states", "served"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_who_serves_where(states: list[State], served: list[int]) -> None:
    assert serving(*states) == served


def test_the_share_is_the_operators() -> None:
    states = [WELL, WELL, WELL, ILL]
    assert serving(*states, policy=replace(POLICY, healthy_share=0.8)) == [0, 1, 2, 3]
    assert serving(ILL, ILL, policy=replace(POLICY, healthy_share=0.0)) == []
    assert serving(ILL, ILL, policy=replace(POLICY, exact=True)) == []


def test_it_is_told_as_a_problem_while_it_lasts() -> None:
    router = Router(POLICY)
    table = router.build(snapshot(checked(WELL, WELL, WELL)))
    assert table.problems == ()
    table = router.build(snapshot(checked(WELL, ILL, ILL)), table.holders)
    message = "1 of 3 tasks that were alive still are, less than 50%: the others serve on"
    assert table.problems == (Problem("/web", "health", message, Severity.WARNING),)
    assert router.build(snapshot(checked(WELL, WELL, ILL)), table.holders).problems == ()


def test_who_lost_its_address_does_not_stay() -> None:
    ill = checked(ILL)
    newer = app("/new", replace(task(0, app="new"), observed_s=1.0), port=10_001)
    assert build_routing(snapshot(ill, newer), POLICY).endpoints["web_10000"] == ()


def test_a_task_has_been_alive_by_any_read() -> None:
    one = Task("t", "h", None, ())
    assert not one.has_been_alive
    assert not replace(one, health=(False,), read=("TASK_RUNNING", None)).has_been_alive
    seen: list[State] = [{"health": (False, True)}, {"was_alive": True}, {"read": ("TASK_RUNNING", (True,))}]
    for alive in seen:
        assert replace(one, **alive).has_been_alive


def labelled(*states: State, **shares: str) -> App:
    """An app with two ports. `shares` are the labels of port `p0` and `p1`."""
    made = checked(*states)
    labels = {**made.definition.labels, **{f"HAPROXY_{key[1:]}_HEALTHY_SHARE": text for key, text in shares.items()}}
    ports = (AppPort(10_000, 0), AppPort(10_001, 1))
    tasks = tuple(replace(task, ports=(*task.ports, task.ports[0] + 1000)) for task in made.tasks)
    return replace(made, definition=replace(made.definition, labels=labels, ports=ports), tasks=tasks)


SHARES: list[tuple[str, dict[str, str], tuple[int, int]]] = [
    ("none is given", {}, (1, 1)),
    ("one is", {"p0": "0.75"}, (2, 1)),
    ("one is and the other is off", {"p0": "1", "p1": "0"}, (2, 1)),
    ("both are the same", {"p0": "0.75", "p1": "0.75"}, (2, 2)),
    ("one cannot be read", {"p0": "75%", "p1": "0.75"}, (1, 2)),
]


@pytest.mark.parametrize(("shares", "pools"), [case[1:] for case in SHARES], ids=[case[0] for case in SHARES])
def test_an_owner_may_have_another_share_for_a_service(shares: dict[str, str], pools: tuple[int, int]) -> None:
    table = build_routing(snapshot(labelled(WELL, ILL, **shares)), POLICY)
    assert tuple(len(table.endpoints[name]) for name in ("web_10000", "web_10001")) == pools
    left_out = {drop.index for drop in table.dropped.get("/web", ())}
    assert left_out == ({None} if pools == (1, 1) else {number for number in (0, 1) if pools[number] == 1})


def test_a_share_that_cannot_be_read_is_a_problem_and_the_setting_stands() -> None:
    table = build_routing(snapshot(labelled(WELL, ILL, ILL, p0="half")), POLICY)
    key = "HAPROXY_0_HEALTHY_SHARE"
    assert [problem.subject for problem in table.problems if problem.severity is Severity.ERROR] == [key]
    assert len(table.endpoints["web_10000"]) == 3


def test_marathon_lb_knew_no_such_label() -> None:
    table = build_routing(snapshot(labelled(ILL, ILL, p0="half", p1="1")), replace(POLICY, exact=True))
    assert (table.endpoints["web_10000"], table.problems) == ((), ())


def test_another_share_changes_no_structure() -> None:
    router = Router(POLICY)
    before = router.build(snapshot(labelled(WELL, ILL)))
    after = router.build(snapshot(labelled(WELL, ILL, p0="1")), before.holders)
    assert after.services is before.services
    assert len(after.endpoints["web_10000"]) == 2
