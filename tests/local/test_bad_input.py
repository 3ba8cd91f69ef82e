"""What the fuzz found, and the limits: bad input is refused in Marathon's words, and nothing else happens."""

import json
from typing import Any

import pytest

from milepost.local.apps.selector import selector
from milepost.local.scheduler.environment import environment
from support.fuzz_claims import asked
from support.fuzz_documents import nested
from support.local_world import World, definition
from support.still_api import Answer, StillApi

APP = {"id": "/a", "cmd": "sleep 1"}


def posted(body: object, target: str = "/v2/apps") -> Answer:
    """What an empty cluster answers; that it stays empty if it refuses is looked at."""
    return asked(StillApi(World()), "POST", target, body)


@pytest.mark.parametrize(
    ("member", "value", "path"),
    [
        ("instances", 10**18, "/instances"),
        ("instances", 10_001, "/instances"),
        ("mem", 1.7e308, "/mem"),
        ("cpus", 2**31, "/cpus"),
        ("backoffSeconds", 1e300, "/backoffSeconds"),
        ("maxLaunchDelaySeconds", 1e300, "/maxLaunchDelaySeconds"),
        ("taskKillGracePeriodSeconds", 1e300, "/taskKillGracePeriodSeconds"),
        ("unreachableStrategy", {"expungeAfterSeconds": 10**18}, "/unreachableStrategy/expungeAfterSeconds"),
        ("healthChecks", [{"port": 70_000}], "/healthChecks(0)/port"),
        ("healthChecks", [{"port": -1}], "/healthChecks(0)/port"),
        ("healthChecks", [{"portIndex": 0, "intervalSeconds": 0}], "/healthChecks(0)/intervalSeconds"),
        ("healthChecks", [{"portIndex": 0, "timeoutSeconds": -5}], "/healthChecks(0)/timeoutSeconds"),
        ("healthChecks", [{"portIndex": 0, "gracePeriodSeconds": 10**30}], "/healthChecks(0)/gracePeriodSeconds"),
        ("healthChecks", [{"protocol": "COMMAND", "command": {"value": "\0"}}], "/healthChecks(0)/command/value"),
        ("cmd", "echo \0", "/cmd"),
        ("env", {"A": "\0"}, "/env(A)"),
        ("env", {"A=B": "x"}, "/env"),
        ("env", {"": "x"}, "/env"),
        ("constraints", [["hostname", "LIKE", "((((.+)+)+)+)+x"]], "/constraints(0)"),
        ("constraints", [["hostname", "LIKE", ".*.*.*.*.*x"]], "/constraints(0)"),
        ("constraints", [["hostname", "UNLIKE", "a" * 101]], "/constraints(0)"),
        ("id", "/x" * 96, "/id"),
    ],
)
def test_a_value_that_nothing_can_be_done_with_is_refused_with_its_place(member: str, value: Any, path: str) -> None:
    answer = posted({**APP, member: value})
    assert answer.status == 422, answer.body
    assert [each["path"] for each in answer.json["details"]] == [path]


@pytest.mark.parametrize("pattern", ["127\\.0\\.59\\.(2|3)", "rack-[a-z]+-[0-9]+", "(?:a|b)?.*"])
def test_a_plain_pattern_is_taken(pattern: str) -> None:
    assert posted({**APP, "constraints": [["hostname", "LIKE", pattern]]}).status == 201


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"[" * 10_000, "100 levels"),
        (json.dumps({**APP, "env": {"A": nested(100)}}).encode(), "100 levels"),
        (b'{"id": "\xff"}', "utf-8"),
        (b'{"id": "\\ud800"}', "Invalid JSON"),
        (b"\xef\xbb\xbf{}", "malformed"),
        (b"\x1f\x8b\x08", "malformed"),
        (b"[NaN]", "malformed"),
        (b"", "Please specify data"),
    ],
)
@pytest.mark.parametrize("target", ["/v2/apps", "/v2/groups", "/v2/tasks/delete"])
def test_what_is_no_json_or_too_deep_is_refused(body: bytes, word: str, target: str) -> None:
    answer = posted(body, target)
    assert answer.status == 400
    assert word in answer.body.decode() or word in answer.json["message"]


def test_a_body_over_16_mib_is_refused() -> None:
    assert posted(b" " * (16 << 20) + b"x").status == 413


def test_all_apps_together_have_a_bounded_number_of_instances() -> None:
    api = StillApi(World())
    many = {"apps": [{"id": f"a{number}", "cmd": "x", "instances": 2500, "ports": []} for number in range(5)]}
    answer = asked(api, "PUT", "/v2/groups", many)
    assert (answer.status, "12500 instances of all apps together" in answer.body.decode()) == (422, True)
    assert asked(api, "PUT", "/v2/apps/a", {**APP, "instances": 2}).status == 201
    for factor in (5001, 10**6, 1e300):
        assert asked(api, "PUT", "/v2/groups?force=true", {"scaleBy": factor}).status == 422


def test_an_app_for_which_no_service_port_is_left_changes_nothing() -> None:
    api = StillApi(World())
    assert asked(api, "POST", "/v2/apps", {**APP, "instances": 0, "ports": [0] * 6_000}).status == 201
    two = [{**APP, "cmd": "sleep 2", "instances": 0}, {**APP, "id": "/b", "instances": 0, "ports": [0] * 6_000}]
    answer = asked(api, "PUT", "/v2/apps?force=true", two)
    assert (answer.status, "already in use" in answer.json["message"]) == (422, True)


def test_an_app_with_more_ports_than_a_node_has_waits() -> None:
    api = StillApi(World())
    assert asked(api, "POST", "/v2/apps", {**APP, "ports": [0] * 2_000}).status == 201
    assert asked(api, "GET", "/v2/queue").json["queue"][0]["count"] == 1


def test_a_label_selector_with_many_spaces_is_read_in_no_time() -> None:
    spaces = " " * 60_000
    assert selector(f"a{spaces}in{spaces}(b){spaces},c")({"a": "b", "c": ""})
    assert asked(StillApi(World()), "GET", f"/v2/apps?label=a{'+' * 60_000}!").status == 422


def test_a_long_task_id_is_refused_in_no_time() -> None:
    part = "a.00000000-0000-1000-8000-000000000000."
    assert posted({"ids": [part * 25_000 + "\n"]}, "/v2/tasks/delete").status == 400


@pytest.mark.parametrize("host", ["[", "a:b:c", "[::1", "\xe9", ""])
def test_a_host_header_that_is_none_does_no_harm(host: str) -> None:
    api = StillApi(World())
    assert asked(api, "GET", "/v2/nothing", None, {"host": host}).status == 404
    assert asked(api, "PUT", "/v2/apps/a", {"cmd": "sleep 1"}, {"host": host}).status == 201
    assert asked(api, "TRACE", "/v2/tasks", None, {"host": host}).status == 405


def test_a_label_that_no_process_could_be_given_is_no_variable() -> None:
    variables = environment(definition({**APP, "labels": {"a": "\0", "b": "x"}}), "t", "127.0.59.2", (31_000,))
    assert variables["MARATHON_APP_LABELS"] == "B"
    assert not [value for value in variables.values() if "\0" in value]
