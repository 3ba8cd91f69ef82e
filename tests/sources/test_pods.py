"""What a pod becomes: its endpoints are ports, its instances tasks, and its labels those of an app."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import SourceError
from milepost.model.snapshot import App, HealthCheck, NetworkMode, Snapshot
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from milepost.sources.marathon.pods import read_pod_answer, read_pods_answer
from support.pods import container, instance, pod, spec
from support.shared import SHARED, needs_shared

HEALTHY, ILL = ([{"name": "healthy", "value": value}] for value in ("true", "false"))
CHECK = {"http": {"endpoint": "http", "path": "/up", "scheme": "HTTP"}, "intervalSeconds": 5}


def read(status: dict[str, Any]) -> App:
    answer = read_pods_answer(json.dumps([status]).encode())
    assert answer.unreadable == ()
    return answer.apps["/shop"]


def test_a_pod_is_routed_like_an_app() -> None:
    labels = {"HAPROXY_GROUP": "external", "HAPROXY_0_PORT": "8000"}
    app = read(pod(instance(1, container(port=31001)), instance(2, container(port=31002)), labels=labels))
    table = build_routing(Snapshot({app.id: app}, "m", 0.0), Policy(("external",)))
    assert [(service.app_id, service.port) for service in table.services] == [("/shop", 8000)]
    assert [endpoint.port for endpoint in table.endpoints["shop_8000"]] == [31001, 31002]
    assert (app.instances, table.problems) == (2, ())


@pytest.mark.parametrize(
    ("networks", "mode", "address", "port"),
    [
        ([{"mode": "host"}], NetworkMode.HOST, "10.0.0.1", 31000),
        ([], NetworkMode.HOST, "10.0.0.1", 31000),
        ([{"mode": "container/bridge"}], NetworkMode.BRIDGE, "10.0.0.1", 31000),
        ([{"mode": "container", "name": "dcos"}], NetworkMode.CONTAINER, "10.9.0.1", 80),
    ],
)
def test_an_instance_is_where_its_network_puts_it(
    networks: list[dict[str, str]], mode: NetworkMode, address: str, port: int
) -> None:
    app = read(pod(instance(1, container()), networks=networks))
    (task,) = app.tasks
    assert (app.definition.network, task.address, task.ports) == (mode, address, (port,))


def test_the_endpoints_of_all_containers_are_ports_in_order_and_found_by_name() -> None:
    two = (spec("web", number=None), spec("api", endpoint="grpc", number=None))
    app = read(pod(instance(1, container("api", 31002, endpoint="grpc"), container("web", 31001)), containers=two))
    assert [port.name for port in app.definition.ports] == ["http", "grpc"]
    assert app.tasks[0].ports == (31001, 31002)


def test_a_label_of_an_endpoint_concerns_that_endpoint_and_beats_the_pod_s() -> None:
    labels = {"HAPROXY_VHOST": "b.example", "HAPROXY_0_MODE": "http", "VIP_0": "/x:1", "HAPROXY_SYS": 7}
    one, two = spec("web"), spec("api", endpoint="grpc")
    two["endpoints"][0]["labels"] = labels
    app = read(pod(containers=(one, two), labels={"HAPROXY_1_VHOST": "a.example", "HAPROXY_0_VHOST": "c.example"}))
    assert app.definition.labels == {
        "HAPROXY_0_VHOST": "c.example",
        "HAPROXY_1_VHOST": "b.example",
        "HAPROXY_1_MODE": "http",
    }
    assert [problem.subject for problem in app.problems] == ["HAPROXY_1_SYS"]


@pytest.mark.parametrize(
    ("members", "state"),
    [
        ({}, "TASK_RUNNING"),
        ({"status": "STAGING"}, "TASK_STAGING"),
        ({"status": "TERMINAL"}, "TASK_FINISHED"),
        ({"status": "DEGRADED", "containers": [container(status="TASK_FAILED")]}, "TASK_FAILED"),
        ({"status": "DEGRADED", "containers": [container(), container("side", status="TASK_FAILED")]}, "TASK_RUNNING"),
        ({"status": "DEGRADED", "containers": []}, "TASK_STAGING"),
    ],
)
def test_an_instance_serves_while_its_containers_with_endpoints_run(members: dict[str, Any], state: str) -> None:
    (task,) = read(pod(instance(1, container(), **members))).tasks
    assert task.state == state


@pytest.mark.parametrize(
    ("statuses", "health"),
    [
        ([container(conditions=HEALTHY), container("api", conditions=HEALTHY)], (True,)),
        ([container(conditions=HEALTHY), container("api", conditions=ILL)], (False,)),
        ([container(conditions=HEALTHY), container("api")], (True,)),
        ([container(endpoints=[{"name": "http", "allocatedHostPort": 1, "healthy": False}])], (False,)),
        ([container()], ()),
    ],
)
def test_an_instance_is_well_while_all_its_checked_containers_are(statuses: Any, health: tuple[bool, ...]) -> None:
    two = (spec(healthCheck=CHECK), spec("api", endpoint="grpc", healthCheck={"exec": {"command": {"shell": "x"}}}))
    app = read(pod(instance(1, *statuses), containers=two))
    assert app.tasks[0].health == health
    http, command = app.definition.health_checks
    assert http == HealthCheck("HTTP", "/up", port_index=0, interval_s=5)
    assert command.protocol == "COMMAND"


def test_an_instance_and_a_pod_that_cannot_be_read_spoil_nothing_else() -> None:
    odd = {**pod(), "id": "/odd", "spec": 7}
    body = json.dumps([odd, pod(instance(1, container()), {"id": "x", "containers": 7})]).encode()
    answer = read_pods_answer(body, "east:")
    assert [problem.app_id for problem in answer.unreadable] == ["east:/odd"]
    assert [task.id for task in answer.apps["east:/shop"].tasks] == ["shop.instance-1"]
    assert [problem.subject for problem in answer.apps["east:/shop"].problems] == ["task x"]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"message": "busy"}', b"[1"])
def test_what_is_no_list_of_pods_is_an_error_and_never_no_pods(body: bytes) -> None:
    with pytest.raises(SourceError):
        read_pods_answer(body)


def test_an_answer_about_another_pod_is_an_error() -> None:
    with pytest.raises(SourceError, match="asked for /web, but the answer is about /shop"):
        read_pod_answer(json.dumps(pod()).encode(), "/web")


@needs_shared
@pytest.mark.parametrize("name", ["container-bridge-pod", "container-net-pod", "ports-pod", "simple-pod"])
def test_the_pods_of_marathon_s_own_tests_are_read(name: str) -> None:
    written = json.loads((SHARED / "marathon" / "pods-system" / f"{name}.json").read_text())
    status = {"id": written["id"], "spec": written, "instances": []}
    answer = read_pods_answer(json.dumps([status]).encode())
    assert (list(answer.apps), answer.problems) == ([written["id"]], ())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["id", "spec", "instances", "containers", "endpoints", "labels", "networks", "name"]), x
            )
        ),
    )
)
def test_any_json_is_read_or_refused_as_a_problem(value: object) -> None:
    answer = read_pods_answer(msgspec.json.encode([value, pod()]))
    assert "/shop" in answer.apps
