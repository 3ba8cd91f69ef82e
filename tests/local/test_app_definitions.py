"""What may be sent as an app, what it becomes, and what is refused (marathon-api 3 to 5)."""

import json
from typing import Any

import pytest

from milepost.local.apps import app_id as ids
from milepost.local.apps import intake
from milepost.local.apps.definition import Definition
from milepost.local.apps.refusal import Refused
from support.local_world import definition
from support.shared import ROOT, SHARED, needs_shared

CMD = {"id": "/a", "cmd": "sleep 1"}
BRIDGE = {"type": "DOCKER", "docker": {"image": "nginx"}, "portMappings": [{"containerPort": 80}]}
NEITHER = "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."
BAD_INDEX = "Health check port indices must address an element of the ports array or container port mappings."

TYPE_ERRORS = [
    ({"cmd": "sleep 1"}, "/id", "error.path.missing"),
    ({"id": ""}, "/id", "error.minLength"),
    ({"id": 1}, "/id", "error.expected.jsstring"),
    ({**CMD, "instances": "2"}, "/instances", "error.expected.jsnumber"),
    ({**CMD, "cpus": "many"}, "/cpus", "error.expected.jsnumber"),
    ({**CMD, "labels": {"a": 1}}, "/labels", "error.expected.jsstring"),
    ({**CMD, "labels": []}, "/labels", "error.expected.jsobject"),
    ({**CMD, "healthChecks": {}}, "/healthChecks", "error.expected.jsarray"),
    ({**CMD, "healthChecks": [{"portIndex": "0"}]}, "/healthChecks(0)/portIndex", "error.expected.jsnumber"),
    ({**CMD, "env": {"A": 1}}, "/env", "error.expected.jsstring"),
    ({**CMD, "fetch": [{"extract": True}]}, "/fetch(0)/uri", "error.path.missing"),
    ({**CMD, "ports": ["80"]}, "/ports(0)", "error.expected.jsnumber"),
    ({**CMD, "container": {"docker": {"image": 1}}}, "/container/docker/image", "error.expected.jsstring"),
    ("an app", "/", "error.expected.jsobject"),
]

VIOLATIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"id": "/a"}, "/", NEITHER),
    ({"id": "/a", "cmd": "x y", "args": ["z"]}, "/", NEITHER),
    ({"id": "/a", "container": {"type": "DOCKER"}}, "/container/docker", "not defined"),
    ({**CMD, "id": "/A"}, "/id", ids.PATTERN_TEXT),
    ({**CMD, "id": "/a_b"}, "/id", ids.PATTERN_TEXT),
    ({**CMD, "id": "/"}, "/id", ids.PATTERN_TEXT),
    ({**CMD, "id": "/a/tasks"}, "/id", "must not end with tasks"),
    ({**CMD, "instances": -1}, "/instances", "got -1, expected 0 or more"),
    ({**CMD, "backoffFactor": 0.5}, "/backoffFactor", "got 0.5, expected 1 or more"),
    ({**CMD, "killSelection": "ANY"}, "/killSelection", "must be one of YOUNGEST_FIRST, OLDEST_FIRST"),
    ({**CMD, "acceptedResourceRoles": []}, "/acceptedResourceRoles", "must not be empty"),
    (
        {**CMD, "healthChecks": [{"timeoutSeconds": -1}]},
        "/healthChecks(0)/timeoutSeconds",
        "got -1, expected 1 or more",
    ),
    (
        {**CMD, "healthChecks": [{"port": 70000}]},
        "/healthChecks(0)/port",
        "got 70000, expected 65535 or less",
    ),
    (
        {**CMD, "healthChecks": [{"ipProtocol": "IPv5"}]},
        "/healthChecks(0)/ipProtocol",
        "must be one of IPv4, IPv6",
    ),
    (
        {**CMD, "networks": [{"mode": "host", "name": "n"}]},
        "/networks",
        "a network of mode host takes no name, and one of the host no labels",
    ),
    (
        {
            "id": "/a",
            "container": {"type": "DOCKER", "docker": {"image": "x"}},
            "networks": [{"mode": "container", "name": "n"}, {"mode": "container", "name": "m"}],
        },
        "/networks",
        "Docker containers can join at most one container network",
    ),
    ({**CMD, "healthChecks": [{"portIndex": 1}]}, "/healthChecks(0)", BAD_INDEX),
    ({**CMD, "portDefinitions": [], "healthChecks": [{}]}, "/healthChecks(0)", BAD_INDEX),
    ({**CMD, "healthChecks": [{"protocol": "COMMAND"}]}, "/healthChecks(0)/command", "error.path.missing"),
    (
        {**CMD, "healthChecks": [{"protocol": "MESOS_TCP"}, {"protocol": "MESOS_HTTP"}]},
        "/",
        "AppDefinition can contain at most one Mesos health check",
    ),
    ({**CMD, "portDefinitions": [{"port": 80}, {"port": 80}]}, "/portDefinitions", "Ports must be unique."),
    (
        {**CMD, "portDefinitions": [{"name": "a"}, {"name": "a"}]},
        "/portDefinitions",
        "Port names must be unique.",
    ),
    (
        {**CMD, "portDefinitions": [{"protocol": "sctp"}]},
        "/portDefinitions(0)/protocol",
        "must be one of tcp, udp, udp,tcp",
    ),
    ({**CMD, "portDefinitions": [{"port": 70000}]}, "/portDefinitions", "got 70000, expected between 0 and 65535"),
    ({**CMD, "ports": [1], "portDefinitions": [{"port": 2}]}, "/", "cannot specify both ports and port definitions"),
    ({**CMD, "uris": ["a"], "fetch": [{"uri": "a"}]}, "/", "cannot specify both uris and fetch fields"),
    ({**CMD, "ipAddress": {}, "ports": [1]}, "/", "cannot specify both an IP address and port"),
    (
        {**CMD, "networks": [{"mode": "container"}]},
        "/networks",
        "Network name must be specified when container network is selected.",
    ),
    (
        {**CMD, "networks": [{"mode": "host"}, {"mode": "host"}]},
        "/networks",
        "must contain only one host or bridge network, or only container networks",
    ),
    (
        {**CMD, "upgradeStrategy": {"minimumHealthCapacity": 1.5}},
        "/upgradeStrategy/minimumHealthCapacity",
        "got 1.5, expected between 0.0 and 1.0",
    ),
    (
        {**CMD, "labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"}},
        "/upgradeStrategy",
        "with the label MARATHON_SINGLE_INSTANCE_APP both shares must be 0",
    ),
    (
        {"id": "/a", "container": {"type": "DOCKER", "docker": {"image": "x", "network": "NONE"}}},
        "/container/docker/network",
        "unsupported docker network type",
    ),
]


def refusal_of(document: Any) -> dict[str, list[str]]:
    with pytest.raises(Refused) as refused:
        definition(document)
    assert refused.value.status == 422
    return {each["path"]: each["errors"] for each in refused.value.body["details"]}


@pytest.mark.parametrize(("document", "path", "error"), TYPE_ERRORS)
def test_a_wrong_type_is_refused_with_its_place(document: Any, path: str, error: str) -> None:
    assert refusal_of(document) == {path: [error]}


@pytest.mark.parametrize(("document", "path", "error"), VIOLATIONS)
def test_a_broken_rule_is_refused_with_its_place(document: dict[str, Any], path: str, error: str) -> None:
    assert error in refusal_of(document)[path]


@pytest.mark.parametrize(
    ("raw", "base", "absolute"),
    [
        ("nginx2", "/", "/nginx2"),
        ("/a//b/", "/", "/a/b"),
        ("../c", "/a/b", "/a/c"),
        ("./c", "/a", "/a/c"),
        ("../../..", "/a", "/"),
    ],
)
def test_ids_are_made_absolute(raw: str, base: str, absolute: str) -> None:
    assert ids.absolute(raw, base) == absolute


def test_the_tutorials_app_becomes_the_canonical_form() -> None:
    app = definition(json.loads((ROOT / "examples/nginx2.json").read_text()))
    assert app.with_service_ports(app.service_ports).document() == {
        "id": "/nginx2",
        "backoffFactor": 1.15,
        "backoffSeconds": 1,
        "container": {
            "type": "DOCKER",
            "docker": {"forcePullImage": False, "image": "nginx:1.10", "parameters": (), "privileged": False},
            "volumes": (),
            "portMappings": (
                {"containerPort": 80, "hostPort": 0, "labels": {}, "protocol": "tcp", "servicePort": 10000},
            ),
        },
        "cpus": 0.2,
        "disk": 0,
        "executor": "",
        "healthChecks": (
            {
                "gracePeriodSeconds": 300,
                "ignoreHttp1xx": False,
                "intervalSeconds": 60,
                "maxConsecutiveFailures": 3,
                "path": "/",
                "portIndex": 0,
                "protocol": "HTTP",
                "ipProtocol": "IPv4",
                "timeoutSeconds": 20,
                "delaySeconds": 15,
            },
        ),
        "instances": 1,
        "labels": {"HAPROXY_GROUP": "external"},
        "maxLaunchDelaySeconds": 300,
        "mem": 20,
        "gpus": 0,
        "networks": ({"mode": "container/bridge"},),
        "ports": (10000,),
        "requirePorts": False,
        "upgradeStrategy": {"maximumOverCapacity": 1, "minimumHealthCapacity": 1},
        "version": "",
        "killSelection": "YOUNGEST_FIRST",
        "unreachableStrategy": {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0},
    }


def docker(**members: Any) -> dict[str, Any]:
    return {"id": "/a", "container": {"type": "DOCKER", "docker": {"image": "nginx", **members}}}


@pytest.mark.parametrize(
    ("document", "networks"),
    [
        (CMD, [{"mode": "host"}]),
        (docker(network="HOST"), [{"mode": "host"}]),
        (docker(network="BRIDGE"), [{"mode": "container/bridge"}]),
        ({**docker(network="USER"), "ipAddress": {"networkName": "n"}}, [{"mode": "container", "name": "n"}]),
        ({**CMD, "ipAddress": {"networkName": "n"}}, [{"mode": "container", "name": "n"}]),
        ({**docker(), "networks": [{"name": "n"}]}, [{"mode": "container", "name": "n"}]),
    ],
)
def test_old_network_forms_become_networks(document: dict[str, Any], networks: list[dict[str, str]]) -> None:
    assert list(definition(document).document()["networks"]) == networks


def test_a_bridge_app_without_mappings_gets_one_and_host_ports_on_all() -> None:
    app = definition(docker(network="BRIDGE"))
    assert app.service_ports == (0,)
    assert app.mappings
    assert (app.mappings[0].container_port, app.mappings[0].host_port, app.mappings[0].name) == (0, 0, "default")


def test_ports_on_a_bridge_become_mappings_where_mappings_are_missing() -> None:
    app = definition(
        {**docker(network="BRIDGE"), "ports": [1, 2], "container": {**BRIDGE}, "networks": [BRIDGE_NETWORK]}
    )
    assert [mapping.container_port for mapping in app.mappings or ()] == [80, 0]


BRIDGE_NETWORK = {"mode": "container/bridge"}


def test_mappings_are_dropped_on_the_host_network() -> None:
    app = definition({"id": "/a", "container": BRIDGE})
    assert app.mappings is None
    assert app.service_ports == (0,)


def test_no_ports_at_all_can_be_asked_for() -> None:
    assert definition({**CMD, "portDefinitions": []}).service_ports == ()


def test_null_is_absence_and_unknown_members_are_ignored() -> None:
    assert definition({**CMD, "args": None, "container": None, "whatever": [1]}) == definition(CMD)


def test_uris_are_fetched_and_only_archives_are_unpacked() -> None:
    fetch = definition({**CMD, "uris": ["http://h/a.tgz", "http://h/b.txt"]}).document()["fetch"]
    assert [(each["uri"], each["extract"]) for each in fetch] == [("http://h/a.tgz", True), ("http://h/b.txt", False)]


def update(document: dict[str, Any], change: dict[str, Any]) -> Definition:
    return intake.update(definition(document), intake.checked(change))


def test_what_is_fetched_is_unpacked_unless_said_otherwise() -> None:
    assert list(definition({**CMD, "fetch": [{"uri": "http://h/a", "unknown": 1}]}).document()["fetch"]) == [
        {"uri": "http://h/a", "extract": True, "executable": False, "cache": False}
    ]


@pytest.mark.parametrize("kind", ["persistent", "external"])
def test_apps_with_lasting_volumes_are_replaced_before_new_tasks_start(kind: str) -> None:
    volumes = [{"containerPath": "data", "mode": "RW", kind: {"size": 1}}]
    app = {**CMD, "container": {"type": "MESOS", "volumes": volumes}}
    assert definition(app).document()["upgradeStrategy"] == {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.0}
    assert definition({**app, "upgradeStrategy": {}}).document()["upgradeStrategy"]["maximumOverCapacity"] == 1.0


def test_an_update_replaces_whole_members_and_keeps_the_others() -> None:
    changed = update({**CMD, "labels": {"a": "1", "b": "2"}, "instances": 3}, {"labels": {"c": "3"}})
    assert changed.labels == {"c": "3"}
    assert changed.instances == 3


def test_an_update_in_old_form_meets_the_canonical_one() -> None:
    changed = update(docker(network="BRIDGE"), {"container": docker(network="BRIDGE", image="nginx:2")["container"]})
    assert (changed.image, changed.networks[0].mode) == ("nginx:2", "container/bridge")


def test_our_own_answer_can_be_sent_back_unchanged() -> None:
    app = definition({**docker(network="BRIDGE"), "healthChecks": [{}]})
    app = app.with_service_ports((10_000,))
    sent = json.loads(json.dumps(app.document()))
    back = intake.create(intake.checked(sent), app.id)
    assert back.with_service_ports(back.service_ports) == app


@needs_shared
def test_marathons_own_example_apps_are_taken() -> None:
    refused = {}
    for path in sorted((SHARED / "marathon").glob("apps-*/*.json")):
        try:
            definition(json.loads(path.read_text()))
        except Refused as error:
            refused[path.name] = error.body["details"][0]["path"]
    assert refused == {"Group.json": "/"}  # a group is not an app
