"""Which tasks serve, and the reason for each that does not."""

from dataclasses import replace

import pytest

from milepost.model.routing import Dropped
from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, NetworkMode, Task
from milepost.routing.endpoints import Route, place, why_not
from milepost.routing.policy import Policy

POLICY = Policy(("external",))
EXACT = Policy(("external",), exact=True)
ROUTES = (Route("web_10000", 0, (0,)), Route("web_10001", 1, (1,)))


def app(*tasks: Task, checked: bool = False, network: NetworkMode = NetworkMode.BRIDGE) -> App:
    ports = (AppPort(10_000, 0), AppPort(10_001, 1))
    return App(AppDefinition("/web", {}, network, ports, (HealthCheck(),) if checked else ()), tasks)


def task(
    task_id: str = "t1",
    address: str | None = "10.0.0.1",
    *ports: int,
    host: str = "10.0.0.1",
    state: str = "TASK_RUNNING",
    health: tuple[bool, ...] | None = None,
    unconfirmed: str = "",
) -> Task:
    return Task(task_id, host, address, ports or (31_000, 31_001), state, health, unconfirmed=unconfirmed)


@pytest.mark.parametrize(
    ("one", "checked", "reason"),
    [
        (task(state="TASK_STAGING"), False, "is in state TASK_STAGING"),
        (task(state="TASK_GONE_BY_OPERATOR"), False, "is in state TASK_GONE_BY_OPERATOR"),
        (
            task(state="TASK_KILLING", unconfirmed="status_update_event"),
            False,
            "is in state TASK_KILLING, by status_update_event alone: no read has confirmed it yet",
        ),
        (task(health=(False, False)), True, "is not alive"),
        (task(health=()), True, "has no health result yet"),
        (task(health=None), True, "has no health result yet"),
        (task(host=""), False, "has no host"),
        (task(address=None, host="agent.invalid"), False, "its host agent.invalid does not resolve"),
        (task(), False, ""),
        (task(state=""), False, ""),
        (task(state="TASK_LOST"), False, ""),
        (task(state="TASK_UNREACHABLE"), False, ""),
        (task(state="TASK_NEW_WORD"), False, ""),
        (task(health=(False, True)), True, ""),
        (task(health=(False,)), False, ""),
    ],
)
def test_a_task_serves_or_there_is_a_reason(one: Task, checked: bool, reason: str) -> None:
    assert why_not(one, app(checked=checked), POLICY) == reason


def test_without_the_health_gate_tasks_that_are_not_alive_serve() -> None:
    assert why_not(task(health=(False,)), app(checked=True), Policy(("external",), health_check=False)) == ""


def test_a_container_without_its_own_address_waits() -> None:
    waiting = app(network=NetworkMode.CONTAINER)
    assert why_not(task(address=None), waiting, POLICY) == "has no address of its own yet"


def test_a_task_with_fewer_ports_still_serves_the_first_ones() -> None:
    placement = place(app(task("t1", "10.0.0.1", 31_000)), ROUTES, POLICY)
    found = {name: [endpoint.port for endpoint in endpoints] for name, endpoints in placement.endpoints}
    assert found == {"web_10000": [31_000], "web_10001": []}
    assert placement.dropped == (Dropped("/web", "t1", 1, "has no port at position 1, it has 1"),)


def test_endpoints_are_sorted_by_host_port_and_address() -> None:
    tasks = (
        task("t1", "10.0.0.2", 31_009, 1, host="b"),
        task("t2", "9.0.1.42", 8080, 1, host="a"),
        task("t3", "9.0.1.41", 8080, 1, host="a"),
        task("t4", "10.0.0.2", 31_000, 2, host="b"),
    )
    placement = place(app(*tasks), ROUTES[:1], POLICY)
    assert [endpoint.task_id for endpoint in placement.endpoints[0][1]] == ["t3", "t2", "t4", "t1"]


def test_two_tasks_at_one_address_count_once() -> None:
    placement = place(app(task("t2"), task("t1")), ROUTES[:1], POLICY)
    assert [endpoint.task_id for endpoint in placement.endpoints[0][1]] == ["t1"]
    assert placement.dropped[0] == Dropped("/web", "t2", 0, "task t1 is at 10.0.0.1 port 31000 too")
    assert len(place(app(task("t2"), task("t1")), ROUTES[:1], EXACT).endpoints[0][1]) == 2


def test_a_task_that_is_listed_twice_is_one_server() -> None:
    twice = place(app(task("t1"), task("t1")), ROUTES[:1], POLICY)
    assert [endpoint.port for endpoint in twice.endpoints[0][1]] == [31_000]
    same_port = place(app(task("t1", "10.0.0.1", 31_000, 31_000)), (Route("web_10000", 1, (0, 1)),), POLICY)
    assert [endpoint.port for endpoint in same_port.endpoints[0][1]] == [31_000]


def test_a_port_of_zero_is_none_but_in_the_exact_profile() -> None:
    portless = app(task("t1", "10.0.0.1", 0, 31_001))
    assert place(portless, ROUTES, POLICY).endpoints[0] == ("web_10000", ())
    assert [endpoint.port for endpoint in place(portless, ROUTES, EXACT).endpoints[0][1]] == [0]


def told(task_id: str, *, state: str = "TASK_RUNNING", health: tuple[bool, ...] | None = (True,)) -> Task:
    """A task that was read as running and alive, and of which an event says `state` or `health` since."""
    read = ("TASK_RUNNING", (True,))
    return replace(task(task_id, f"10.0.0.{task_id[1:]}", state=state, health=health, unconfirmed="event"), read=read)


def serving(*tasks: Task, policy: Policy = POLICY) -> list[str]:
    return [e.task_id for e in place(app(*tasks, checked=True), ROUTES[:1], policy).endpoints[0][1]]


@pytest.mark.parametrize("bad", [told("t1", state="TASK_KILLING"), told("t1", health=(False,))])
def test_the_last_task_serves_on_until_a_read_confirms_what_an_event_says(bad: Task) -> None:
    other = task("t2", "10.0.0.2", health=(True,))
    assert serving(bad, other) == ["t2"]
    assert serving(bad) == ["t1"]
    assert serving(replace(bad, unconfirmed="", read=None)) == []
    assert serving(bad, policy=EXACT) == []


@pytest.mark.parametrize("state", ["TASK_KILLED", "TASK_FAILED", "TASK_GONE"])
def test_a_task_that_has_ended_never_serves_on_since_its_port_may_be_anothers(state: str) -> None:
    assert serving(told("t1", state=state)) == []


def test_a_task_that_did_not_serve_before_the_event_does_not_serve_after_it() -> None:
    starting = replace(told("t1", state="TASK_KILLING"), read=("TASK_STAGING", None))
    assert serving(starting) == []


def test_nothing_is_said_of_tasks_of_an_app_that_is_not_routed() -> None:
    assert place(app(task(state="TASK_KILLED")), (), POLICY).dropped == ()
