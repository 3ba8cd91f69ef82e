"""What is no answer of Marathon is an error; what is odd in one spoils nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import SourceError
from milepost.sources.marathon.answer import read_app_answer, read_apps_answer, snapshot_from_answer

GOOD = {"id": "/good", "tasks": [{"id": "good.1", "host": "10.0.0.1", "ports": [31000]}]}

NO_ANSWER = [
    b"",
    b"<html><body>Bad Gateway</body></html>",
    b"null",
    b"[]",
    b"42",
    b'"apps"',
    b"{}",
    b'{"apps": null}',
    b'{"apps": {}}',
    b'{"apps": 5}',
    b'{"message": "no leader"}',
    b'{"apps": [',
    b'{"apps": [{"id": "/a"}]',
    b'{"apps": []} and more',
    b'{"apps":' + b"[" * 1_000_000,
    b'{"apps": ["\xff", }',
    b'{"apps": [null, 7, {"id": ""}]}',
]


@pytest.mark.parametrize("body", NO_ANSWER, ids=lambda body: repr(body[:40]))
def test_what_is_no_list_of_apps_is_an_error_and_never_an_empty_cluster(body: bytes) -> None:
    with pytest.raises(SourceError):
        read_apps_answer(body)


@given(st.integers(0, len(json.dumps({"apps": [GOOD, GOOD]})) - 1))
def test_an_answer_cut_short_anywhere_is_an_error(size: int) -> None:
    with pytest.raises(SourceError):
        read_apps_answer(json.dumps({"apps": [GOOD, GOOD]}).encode()[:size])


@given(st.binary())
def test_no_body_at_all_gives_anything_but_an_answer_or_an_error(body: bytes) -> None:
    try:
        read_apps_answer(body)
    except SourceError:
        return
    assert b"apps" in body


def test_a_cluster_may_be_empty() -> None:
    assert read_apps_answer(b'{"apps": []}').apps == {}


ODD_APPS: list[tuple[Any, str]] = [
    (None, ""),
    (7, ""),
    ({}, ""),
    ({"id": None}, ""),
    ({"id": ["/odd"]}, ""),
    ({"id": "/odd", "labels": ["a"]}, "/odd"),
    ({"id": "odd", "tasks": {}}, "/odd"),
    ({"id": "/odd", "portDefinitions": [{"port": 70000}]}, "/odd"),
    ({"id": "/odd", "portDefinitions": [{"port": "http"}]}, "/odd"),
    ({"id": "/odd", "ipAddress": {"discovery": {"ports": "all"}}}, "/odd"),
    ({"id": "/odd", "healthChecks": [{"intervalSeconds": -1}]}, "/odd"),
]


@pytest.mark.parametrize(("odd", "app_id"), ODD_APPS)
def test_an_odd_app_is_a_problem_and_the_others_go_on(odd: Any, app_id: str) -> None:
    answer = read_apps_answer(json.dumps({"apps": [odd, GOOD]}).encode())
    assert list(answer.apps) == ["/good"]
    (problem,) = answer.unreadable
    assert (problem.app_id, problem.subject) == (app_id, "app")
    assert problem.message.startswith("cannot be read: ")


ODD_TASKS: list[tuple[Any, str]] = [
    (None, "task"),
    ({"host": "10.0.0.1"}, "task"),
    ({"id": "odd.1", "ports": [-1]}, "task odd.1"),
    ({"id": "odd.1", "ports": "31000"}, "task odd.1"),
    ({"id": "odd.1", "healthCheckResults": [True]}, "task odd.1"),
]


@pytest.mark.parametrize(("odd", "subject"), ODD_TASKS)
def test_an_odd_task_is_a_problem_and_the_apps_other_tasks_stay(odd: Any, subject: str) -> None:
    answer = read_apps_answer(json.dumps({"apps": [{**GOOD, "tasks": [odd, *GOOD["tasks"]]}]}).encode())
    assert [task.id for task in answer.apps["/good"].tasks] == ["good.1"]
    (problem,) = answer.problems
    assert (problem.app_id, problem.subject) == ("/good", subject)


def test_members_that_nobody_needs_may_hold_anything() -> None:
    answer = read_apps_answer(json.dumps({"apps": [{**GOOD, "cmd": 5, "env": [[]], "new": {"x": None}}]}).encode())
    assert not answer.problems


def test_a_single_read_is_about_the_app_that_was_asked_for() -> None:
    body = json.dumps({"app": GOOD}).encode()
    assert list(read_app_answer(body, "/good").apps) == ["/good"]
    with pytest.raises(SourceError, match="asked for /other, but the answer is about /good"):
        read_app_answer(body, "/other")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"apps": []}'])
def test_a_single_read_without_app_is_an_error(body: bytes) -> None:
    with pytest.raises(SourceError):
        read_app_answer(body, "/good")


def test_a_snapshot_tells_all_problems() -> None:
    apps = [{"id": "/odd", "labels": 1}, {**GOOD, "labels": {"A": 1}}]
    snapshot = snapshot_from_answer(json.dumps({"apps": apps}).encode(), "test", 5.0)
    assert [(problem.app_id, problem.subject) for problem in snapshot.problems] == [("/odd", "app"), ("/good", "A")]
    assert (snapshot.source, snapshot.read_at_s) == ("test", 5.0)
