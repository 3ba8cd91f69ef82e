"""From Marathon's words to ours, in every generation of its answers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from milepost.model.problem import Severity
from milepost.model.snapshot import App, AppPort, HealthCheck, NetworkMode
from milepost.sources.file import read_apps_file
from milepost.sources.marathon.answer import read_apps_answer
from support.shared import SHARED, needs_shared

HOST, BRIDGE, CONTAINER = NetworkMode.HOST, NetworkMode.BRIDGE, NetworkMode.CONTAINER


def read(**members: Any) -> App:
    """The one app of an answer, with these members."""
    answer = read_apps_answer(json.dumps({"apps": [{"id": "/web", **members}]}).encode())
    assert not answer.unreadable
    return answer.apps["/web"]


def docker(network: str | None, *mappings: dict[str, Any] | None) -> dict[str, Any]:
    return {"container": {"docker": {"network": network, "portMappings": list(mappings) or None}}}


def mapped(*mappings: dict[str, Any]) -> dict[str, Any]:
    return {"container": {"portMappings": list(mappings)}}


def networks(*modes: str | None) -> dict[str, Any]:
    return {"networks": [{"mode": mode, "name": "n"} for mode in modes]}


NETWORKS: list[tuple[str, dict[str, Any], NetworkMode]] = [
    ("nothing at all", {}, HOST),
    ("all null", {"ipAddress": None, "networks": None, "container": None}, HOST),
    ("an empty ipAddress", {"ipAddress": {}}, HOST),
    ("an ipAddress of nulls", {"ipAddress": {"discovery": None}}, HOST),
    ("1.4 ip-per-task", {"ipAddress": {"groups": []}}, CONTAINER),
    ("1.4 HOST", docker("HOST"), HOST),
    ("1.4 BRIDGE", docker("BRIDGE"), BRIDGE),
    ("1.4 USER", docker("USER"), CONTAINER),
    ("1.4 BRIDGE beats ipAddress", {"ipAddress": {"groups": []}, **docker("BRIDGE")}, BRIDGE),
    ("1.4 HOST leaves ipAddress standing", {"ipAddress": {"groups": []}, **docker("HOST")}, CONTAINER),
    ("1.5 host", networks("host"), HOST),
    ("1.5 bridge", networks("container/bridge"), BRIDGE),
    ("1.5 container", networks("container"), CONTAINER),
    ("1.5 without mode", networks(None), CONTAINER),
    ("the last network wins", networks("host", "container"), CONTAINER),
    ("networks beat docker", {**docker("BRIDGE"), **networks("host")}, HOST),
    ("a null network is skipped", {"networks": [{"mode": "container"}, None]}, CONTAINER),
    ("an unknown mode changes nothing", networks("container/bridge", "teleport"), BRIDGE),
]


@pytest.mark.parametrize(("members", "mode"), [case[1:] for case in NETWORKS], ids=[case[0] for case in NETWORKS])
def test_the_network_mode_is_read_in_every_generation(members: dict[str, Any], mode: NetworkMode) -> None:
    assert read(**members).definition.network is mode


DISCOVERY = {"ipAddress": {"discovery": {"ports": [{"number": 8080}, {"number": 8081}]}}}
PORTS: list[tuple[str, dict[str, Any], list[tuple[int | None, int, int]]]] = [
    ("none", {}, []),
    ("0.8 ports", {"ports": [10000, 10001]}, [(10000, 0, 0), (10001, 1, 0)]),
    ("portDefinitions beat ports", {"ports": [1], "portDefinitions": [{"port": 10002}]}, [(10002, 0, 0)]),
    ("even empty ones", {"ports": [1], "portDefinitions": []}, []),
    (
        "1.4 bridge mappings beat the default portDefinition",
        {**docker("BRIDGE", {"containerPort": 80, "servicePort": 10003}), "portDefinitions": [{"port": 10}]},
        [(10003, 0, 80)],
    ),
    (
        "a mapping without service port keeps its place among the task's ports",
        {**networks("container/bridge"), **mapped({"containerPort": 1}, {"containerPort": 2, "servicePort": 10004})},
        [(10004, 1, 2)],
    ),
    (
        "mappings of a host app are not looked at",
        {**networks("host"), **mapped({"servicePort": 10005}), "portDefinitions": [{"port": 10006}]},
        [(10006, 0, 0)],
    ),
    ("service port 0 keeps its index", {"ports": [0, 10007]}, [(0, 0, 0), (10007, 1, 0)]),
    ("1.4 ip-per-task ports are for routing to assign", DISCOVERY, [(None, 0, 8080), (None, 1, 8081)]),
    (
        "1.5 container mappings without service port likewise",
        {**networks("container"), **mapped({"containerPort": 8080})},
        [(None, 0, 8080)],
    ),
    (
        "1.5 container mapping with service port",
        {**networks("container"), **mapped({"containerPort": 8080, "servicePort": 10008})},
        [(10008, 0, 8080)],
    ),
    ("a bridge app without service ports asks for none", {**networks("container/bridge"), **mapped({})}, []),
]


@pytest.mark.parametrize(("members", "ports"), [case[1:] for case in PORTS], ids=[case[0] for case in PORTS])
def test_service_ports_are_read_in_every_generation(
    members: dict[str, Any], ports: list[tuple[int | None, int, int]]
) -> None:
    found = [(port.service_port, port.task_port, port.number) for port in read(**members).definition.ports]
    assert found == ports


def test_a_port_keeps_its_name_and_protocol() -> None:
    members = networks("container/bridge") | mapped({"servicePort": 53, "protocol": "udp", "name": "dns"})
    assert read(**members).definition.ports == (AppPort(53, 0, "udp", "dns"),)


TASK_PORTS: list[tuple[str, dict[str, Any], list[int] | None, tuple[int, ...]]] = [
    ("host: the task's", {"portDefinitions": [{"port": 1}]}, [31000], (31000,)),
    ("host: else the definition's", {"portDefinitions": [{"port": 10000}]}, [], (10000,)),
    ("host: none", {}, None, ()),
    ("bridge: the task's", {**networks("container/bridge"), **mapped({"containerPort": 80})}, [31000], (31000,)),
    ("bridge: else portDefinitions", {**docker("BRIDGE"), "portDefinitions": [{"port": 10000}]}, [], (10000,)),
    ("bridge: else the container's", {**networks("container/bridge"), **mapped({"containerPort": 80})}, [], (80,)),
    ("container: discovery", {**DISCOVERY, **mapped({"containerPort": 80})}, [31000], (8080, 8081)),
    ("container: else the container's", {**networks("container"), **mapped({"containerPort": 80})}, [31000], (80,)),
    ("1.4 USER", docker("USER", {"containerPort": 80, "hostPort": None}), [], (80,)),
]


@pytest.mark.parametrize(
    ("members", "given", "ports"), [case[1:] for case in TASK_PORTS], ids=[case[0] for case in TASK_PORTS]
)
def test_a_tasks_ports_are_found_in_every_mode(
    members: dict[str, Any], given: list[int] | None, ports: tuple[int, ...]
) -> None:
    app = read(**members, tasks=[{"id": "web.1", "host": "10.0.0.1", "ports": given}])
    assert app.tasks[0].ports == ports


ADDRESSES: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("a literal host", "host", {"host": "10.0.0.1"}, "10.0.0.1"),
    ("bridge uses the agent, too", "container/bridge", {"host": "10.0.0.1"}, "10.0.0.1"),
    ("a name waits to be resolved", "host", {"host": "agent1"}, None),
    ("no host", "host", {"host": ""}, None),
    ("its own address in a container network", "container", {"host": "a", "ipAddresses": ["9.0.1.2"]}, "9.0.1.2"),
    ("the first of two", "container", {"host": "a", "ipAddresses": ["9.0.1.2", "fd01::2"]}, "9.0.1.2"),
    ("none of its own", "container", {"host": "10.0.0.1", "ipAddresses": []}, None),
    ("no addresses member", "container", {"host": "10.0.0.1"}, None),
    ("an address that is none", "container", {"host": "a", "ipAddresses": ["unix@/x"]}, None),
    (
        "a host that is none spoils its own address, too",
        "container",
        {"host": "fd@3", "ipAddresses": ["9.0.1.2"]},
        None,
    ),
]


@pytest.mark.parametrize(
    ("mode", "members", "address"), [case[1:] for case in ADDRESSES], ids=[case[0] for case in ADDRESSES]
)
def test_a_tasks_address_is_a_literal_or_none(mode: str, members: dict[str, Any], address: str | None) -> None:
    own = members.get("ipAddresses")
    task = {"id": "web.1", **members, "ipAddresses": own and [{"ipAddress": one} for one in own]}
    assert read(**networks(mode), tasks=[task]).tasks[0].address == address


@pytest.mark.parametrize("host", ["unix@/run/x", "fd@3", "abns@x", "a b", "10.0.0.1:80", "x\n    server evil"])
def test_a_host_that_is_no_address_is_a_problem_of_its_task(host: str) -> None:
    app = read(tasks=[{"id": "web.1", "host": host}, {"id": "web.2", "host": "10.0.0.2"}])
    assert [task.address for task in app.tasks] == [None, "10.0.0.2"]
    (problem,) = app.problems
    assert (problem.app_id, problem.subject) == ("/web", "task web.1")
    assert "expected an IP address or a DNS name" in problem.message


def test_a_task_without_host_is_told_of() -> None:
    (problem,) = read(tasks=[{"id": "web.1"}]).problems
    assert (problem.message, problem.severity) == ("has no host", Severity.WARNING)


@pytest.mark.parametrize(
    ("results", "health"),
    [
        ({}, None),
        ({"healthCheckResults": None}, None),
        ({"healthCheckResults": []}, ()),
        ({"healthCheckResults": [{"alive": True}, {"alive": False}, {}, None]}, (True, False, False, False)),
    ],
)
def test_health_is_unknown_only_where_the_results_are_missing(
    results: dict[str, Any], health: tuple[bool, ...] | None
) -> None:
    assert read(tasks=[{"id": "web.1", "host": "a", **results}]).tasks[0].health == health


def test_a_missing_state_stays_missing() -> None:
    assert read(tasks=[{"id": "web.1", "host": "a", "state": None}]).tasks[0].state == ""


CHECKS: list[tuple[dict[str, Any], HealthCheck]] = [
    ({}, HealthCheck()),
    ({"port": 0, "portIndex": 0}, HealthCheck(port_index=0)),
    ({"port": 9000, "path": None, "protocol": "TCP"}, HealthCheck("TCP", port=9000)),
    (
        {"intervalSeconds": 5, "timeoutSeconds": 2, "gracePeriodSeconds": 0, "maxConsecutiveFailures": 0, "path": "/p"},
        HealthCheck(path="/p", interval_s=5, timeout_s=2, grace_period_s=0, max_consecutive_failures=0),
    ),
]


@pytest.mark.parametrize(("members", "check"), CHECKS)
def test_a_health_check_has_marathons_defaults(members: dict[str, Any], check: HealthCheck) -> None:
    assert read(healthChecks=[members]).definition.health_checks == (check,)


def test_a_label_that_is_no_string_is_a_problem_of_that_label_only() -> None:
    app = read(labels={"HAPROXY_GROUP": "external", "HAPROXY_0_PORT": 80, "gone": None})
    assert app.definition.labels == {"HAPROXY_GROUP": "external"}
    assert [(problem.subject, problem.message) for problem in app.problems] == [
        ("HAPROXY_0_PORT", "expected a string, got a value of type int")
    ]


@pytest.mark.parametrize("app_id", ["web", "/web", "//web/", "web/"])
def test_an_id_is_absolute(app_id: str) -> None:
    assert read(id=app_id).id == "/web"


SERVER = re.compile(r"^\s*server\s+\S+\s+(\S+):(\d+)", re.MULTILINE)
NOT_TASK_PORTS = {"idiom-server-options-fixed-port"}  # there a label's template writes the port
CASES = sorted({path.parent.name for path in (SHARED / "conformance").glob("*/haproxy.cfg")} - NOT_TASK_PORTS)


@needs_shared
@pytest.mark.parametrize("case", CASES)
def test_every_server_of_the_contract_is_a_port_of_a_task(case: str) -> None:
    folder = SHARED / "conformance" / case
    known = {"localhost": "127.0.0.1"}
    snapshot = read_apps_file(folder / "apps.json", known.get)
    found = {(task.address, port) for app in snapshot.apps.values() for task in app.tasks for port in task.ports}
    servers = {(host, int(port)) for host, port in SERVER.findall((folder / "haproxy.cfg").read_text())}
    assert servers <= found


@needs_shared
@pytest.mark.parametrize("path", sorted((SHARED / "marathon").glob("large/*.json")), ids=lambda path: path.name)
def test_all_apps_of_a_real_cluster_are_read_without_a_problem(path: Path) -> None:
    snapshot = read_apps_file(path)
    assert len(snapshot.apps) == len(json.loads(path.read_text())["apps"])
    assert not snapshot.problems


@needs_shared
@pytest.mark.parametrize("folder", ["apps-1.4", "apps-system"])
def test_definitions_as_owners_post_them_are_read(folder: str) -> None:
    paths = [
        path for path in (SHARED / "marathon" / folder).glob("*.json") if "groups" not in json.loads(path.read_text())
    ]
    assert len(paths) > 5
    for path in paths:
        assert not read_apps_file(path).problems, path.name
