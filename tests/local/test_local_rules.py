"""The small rules of the local scheduler: ports, environment, backoff, health, selectors, times."""

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.local.apps.definition import HealthCheck
from milepost.local.apps.refusal import Refused
from milepost.local.apps.selector import selector
from milepost.local.scheduler import backoff, timestamp
from milepost.local.scheduler.backoff import Backoff
from milepost.local.scheduler.environment import environment
from milepost.local.scheduler.health import CheckResult, deadly_failures, is_healthy, judge
from milepost.local.scheduler.ports import HOST_PORTS, SERVICE_PORTS, choose, give_back, with_assigned
from support.local_world import definition

CMD: dict[str, Any] = {"id": "/a", "cmd": "sleep 1"}


def asking(*ports: int) -> Any:
    return definition({**CMD, "ports": list(ports)})


@pytest.mark.parametrize(
    ("asked", "held", "taken", "assigned"),
    [
        ((0,), (), (), (10_000,)),
        ((0,), (), (10_000, 10_001), (10_002,)),
        ((0, 0), (), (10_001,), (10_000, 10_002)),
        ((10_000,), (), (10_000,), (10_000,)),  # explicit ports are never contested
        ((80, 0), (), (), (80, 10_000)),
        ((10_000, 0), (), (), (10_000, 10_001)),
        ((0, 0), (10_005,), (), (10_005, 10_000)),  # what it held comes back first
        ((0,), (80,), (), (10_000,)),  # but nothing outside the range
        ((10_005, 0), (10_005, 10_006), (), (10_005, 10_006)),
        ((), (), (), ()),
    ],
)
def test_service_ports_are_the_lowest_free_ones(
    asked: tuple[int, ...], held: tuple[int, ...], taken: tuple[int, ...], assigned: tuple[int, ...]
) -> None:
    assert with_assigned(asking(*asked), held, taken).service_ports == assigned


def test_no_service_port_left_is_an_error_that_names_the_range() -> None:
    with pytest.raises(Refused, match=r"range \[10000-20000\] are already in use"):
        with_assigned(asking(0), (), SERVICE_PORTS)


def test_a_service_port_that_two_apps_hold_stays_taken_until_both_gave_it_back() -> None:
    taken = Counter({10_000: 2, 10_001: 1})
    give_back(taken, [10_000, 10_001])
    assert dict(taken) == {10_000: 1}
    give_back(taken, [10_000])
    assert dict(taken) == {}


@given(st.lists(st.sampled_from([0, 0, 0, 80, 8080]), max_size=5), st.sets(st.sampled_from(HOST_PORTS)), st.data())
def test_chosen_host_ports_are_free_and_none_is_given_twice_unasked(
    wanted: list[int], used: set[int], data: st.DataObject
) -> None:
    chosen = choose(wanted, used, lambda below: data.draw(st.integers(0, below - 1)))
    assert chosen is not None
    twice = len([port for port in wanted if port]) - len({port for port in wanted if port})
    assert len(set(chosen)) == len(wanted) - twice, "only what is asked for twice, as for TCP and UDP, is given twice"
    assert used.isdisjoint(chosen)
    assert all(port == asked if asked else port in HOST_PORTS for asked, port in zip(wanted, chosen, strict=True))


@pytest.mark.parametrize(("wanted", "used"), [((80,), {80}), ((0,), set(HOST_PORTS))])
def test_a_node_without_the_ports_has_no_room(wanted: tuple[int, ...], used: set[int]) -> None:
    assert choose(wanted, used, lambda _: 0) is None


def test_a_task_finds_its_ports_and_labels_in_its_environment() -> None:
    app = definition(
        {
            "id": "/a/b",
            "cpus": 0.2,
            "mem": 20,
            "labels": {"HAPROXY_0_PORT": "1", "traefik.enable": "yes"},
            "env": {"HOST": "mine", "SECRET": {"secret": "s"}},
            "container": {
                "type": "DOCKER",
                "docker": {"image": "nginx"},
                "portMappings": [{"containerPort": 80, "name": "http"}, {"containerPort": 0}],
            },
            "networks": [{"mode": "container/bridge"}],
        }
    )
    assert environment(app, "t1", "127.0.59.2", (31_005, 31_006)) == {
        "MESOS_TASK_ID": "t1",
        "MARATHON_APP_ID": "/a/b",
        "MARATHON_APP_VERSION": "",
        "MARATHON_APP_DOCKER_IMAGE": "nginx",
        "MARATHON_APP_RESOURCE_CPUS": "0.2",
        "MARATHON_APP_RESOURCE_MEM": "20.0",
        "MARATHON_APP_RESOURCE_DISK": "0.0",
        "MARATHON_APP_RESOURCE_GPUS": "0",
        "MARATHON_APP_LABELS": "HAPROXY_0_PORT TRAEFIK_ENABLE",
        "MARATHON_APP_LABEL_HAPROXY_0_PORT": "1",
        "MARATHON_APP_LABEL_TRAEFIK_ENABLE": "yes",
        "HOST": "mine",
        "PORT": "31005",
        "PORTS": "31005,31006",
        "PORT0": "31005",
        "PORT1": "31006",
        "PORT_80": "31005",
        "PORT_HTTP": "31005",
        "PORT_31006": "31006",
    }


def test_an_app_without_ports_gets_no_port_variables() -> None:
    variables = environment(definition({**CMD, "portDefinitions": []}), "t1", "127.0.59.2", ())
    assert not [name for name in variables if name.startswith("PORT")]


def test_the_delay_grows_to_its_limit_and_is_forgotten_after_a_quiet_time() -> None:
    app = definition({**CMD, "backoffSeconds": 2, "backoffFactor": 3, "maxLaunchDelaySeconds": 10})
    state, delays = Backoff(), []
    for _ in range(4):
        state = backoff.after_failure(state, app, 100.0)
        delays.append(backoff.launch_at(state, app, 100.0) - 100.0)
    assert delays == [2, 6, 10, 10]
    assert backoff.launch_at(state, app, 110.5) == 110.5


def test_the_longest_delay_is_not_forgotten_by_the_launch_that_comes_a_little_after_it() -> None:
    app = definition({**CMD, "backoffSeconds": 10, "backoffFactor": 3, "maxLaunchDelaySeconds": 30})
    state = Backoff()
    for now_s in (100.0, 101.0, 102.0):
        state = backoff.after_failure(state, app, now_s)
    assert backoff.launch_at(state, app, 132.01) == 132.01
    launched = backoff.after_progress(state, app, 132.01)
    failed = backoff.after_failure(launched, app, 133.0)
    assert backoff.launch_at(failed, app, 133.0) == 163.0
    assert backoff.after_progress(launched, app, 168.0).delay_s == 0


def test_progress_moves_the_delay_on() -> None:
    app = definition({**CMD, "backoffSeconds": 5})
    state = backoff.after_progress(backoff.after_failure(Backoff(), app, 100.0), app, 103.0)
    assert backoff.launch_at(state, app, 103.0) == 108.0


def test_failures_of_a_new_task_are_let_off_until_its_grace_period_ends() -> None:
    check = HealthCheck(grace_period_seconds=10, max_consecutive_failures=1)
    early = judge(None, check, "refused", running_since_s=0.0, now_s=9.9)
    assert (early.counted, early.result) == (False, CheckResult())
    late = judge(early.result, check, "refused", running_since_s=0.0, now_s=10.0)
    assert (late.counted, late.result.consecutive_failures) == (True, 1)


def test_a_failure_after_a_success_counts_within_the_grace_period_too() -> None:
    check = HealthCheck(grace_period_seconds=300)
    good = judge(None, check, None, running_since_s=0.0, now_s=1.0)
    bad = judge(good.result, check, "503", running_since_s=0.0, now_s=2.0)
    assert (good.result.alive, bad.result.alive, bad.counted) == (True, False, True)
    assert bad.result.first_success_s == 1.0


@pytest.mark.parametrize(
    ("protocol", "allowed", "deadly"),
    [("HTTP", 3, 4), ("TCP", 1, 2), ("HTTP", 0, float("inf")), ("COMMAND", 3, 3), ("MESOS_TCP", 0, 1)],
)
def test_which_failure_kills_depends_on_who_checks(protocol: str, allowed: int, deadly: float) -> None:
    assert deadly_failures(HealthCheck(protocol=protocol, max_consecutive_failures=allowed)) == deadly


@pytest.mark.parametrize(
    ("results", "healthy"),
    [((None,), None), ((CheckResult(alive=True), None), None), ((CheckResult(alive=True),) * 2, True)],
)
def test_health_is_unknown_until_every_check_has_spoken(
    results: tuple[CheckResult | None, ...], healthy: bool | None
) -> None:
    assert is_healthy(results) is healthy
    assert is_healthy((CheckResult(alive=True), CheckResult())) is False


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("", {"a", "b", "none"}),
        ("env", {"a", "b"}),
        ("env==live", {"a"}),
        ("env != live", {"b"}),
        ("env in (live, test)", {"a", "b"}),
        ("env notin (live)", {"b"}),
        ("env, tier==web", {"a"}),
        (r"tier==web\ x", set[str]()),
    ],
)
def test_label_selectors_choose_apps(text: str, matching: set[str]) -> None:
    apps = {"a": {"env": "live", "tier": "web"}, "b": {"env": "test"}, "none": dict[str, str]()}
    matches = selector(text)
    assert {name for name, labels in apps.items() if matches(labels)} == matching


@pytest.mark.parametrize("text", ["==x", "a=b", "a in b", "a,,b", "a b"])
def test_a_selector_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        selector(text)
    assert refused.value.status == 422


@given(st.floats(0, 4e9))
def test_times_have_three_digits_and_can_be_read_back(at_s: float) -> None:
    text = timestamp.written(at_s)
    assert len(text) == len("2024-05-01T10:00:00.000Z")
    assert abs(timestamp.read(text) - at_s) <= 0.000501


def test_versions_grow_even_within_one_millisecond() -> None:
    versions = list(
        itertools.accumulate(range(5), lambda previous, _: timestamp.version_after(previous, 1e9), initial="")
    )
    assert versions == sorted(set(versions))
