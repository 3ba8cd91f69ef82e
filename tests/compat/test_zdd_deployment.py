"""The procedure as traces of what it changes: with balancers that drain by rule, and with such as do not."""

import json
from typing import Any

import pytest

from milepost.compat.zdd.errors import BalancerSilent, MissingField, WrongFlags, ZddError
from support.two_colours import DEFINITION, World, with_blue

FULL = ["kill 1 of /nginx-blue", "scale /nginx-green to 4", "delete /nginx-blue"]


def test_the_first_colour_is_only_created() -> None:
    world = World()
    assert world.deploy()
    assert world.calls == ["create /nginx-blue with 4"]
    assert json.loads(world.shown[0]) == {**DEFINITION, "id": "/nginx-blue", "labels": world.labels("/nginx-blue")}
    assert world.labels("/nginx-blue") == {
        **DEFINITION["labels"],
        "HAPROXY_APP_ID": "nginx",
        "HAPROXY_0_PORT": "10000",
        "HAPROXY_DEPLOYMENT_COLOUR": "blue",
        "HAPROXY_DEPLOYMENT_STARTED_AT": "2026-01-01T12:00:00",
        "HAPROXY_DEPLOYMENT_TARGET_INSTANCES": "4",
        "HAPROXY_DEPLOYMENT_NEW_INSTANCES": "0",
    }


TRACES: list[tuple[dict[str, Any], list[str]]] = [
    (
        {},
        [
            "create /nginx-green with 1",
            "kill 1 of /nginx-blue",
            "scale /nginx-green to 2",
            "kill 1 of /nginx-blue",
            "scale /nginx-green to 4",
            "delete /nginx-blue",
        ],
    ),
    (
        {"linear_increase": 1},
        [
            "create /nginx-green with 1",
            "kill 1 of /nginx-blue",
            "scale /nginx-green to 2",
            "kill 1 of /nginx-blue",
            "scale /nginx-green to 3",
            "kill 1 of /nginx-blue",
            "scale /nginx-green to 4",
            "delete /nginx-blue",
        ],
    ),
    ({"new_instances": 1}, ["create /nginx-green with 1", "kill 1 of /nginx-blue"]),
    ({"initial_instances": 9}, ["create /nginx-green with 4", "delete /nginx-blue"]),
    (
        {"new_instances": 3, "initial_instances": 2},
        [
            "create /nginx-green with 2",
            "kill 2 of /nginx-blue",
            "scale /nginx-green to 3",
            "kill 1 of /nginx-blue",
        ],
    ),
]


@pytest.mark.parametrize(("flags", "calls"), TRACES, ids=[str(flags) for flags, _ in TRACES])
def test_a_deployment_changes_step_by_step(flags: dict[str, Any], calls: list[str]) -> None:
    world = with_blue()
    assert world.deploy(**flags)
    assert world.calls == calls


def hybrid(**options: Any) -> World:
    world = with_blue(**options)
    world.deploy(new_instances=1)
    world.asked.clear()
    assert world.now == {"/nginx-blue": 3, "/nginx-green": 1}
    return world


def test_a_hybrid_deployment_is_completed() -> None:
    world = hybrid()
    assert world.deploy(complete_cur=True)
    assert world.calls == ["scale /nginx-green to 2", *FULL]
    assert world.now == {"/nginx-green": 4}


def test_a_hybrid_deployment_is_taken_back() -> None:
    world = hybrid()
    assert world.deploy(complete_prev=True)
    assert world.calls == ["scale /nginx-blue to 4", "delete /nginx-green"]
    assert world.now == {"/nginx-blue": 4}


def test_what_has_its_end_already_ends_at_once_and_changes_nothing() -> None:
    world = hybrid()
    before_s = world.now_s()
    assert world.deploy(resume=True)
    assert (world.calls, world.now_s()) == ([], before_s)


def test_no_step_waits_longer_than_its_delay_where_nothing_is_to_be_drained() -> None:
    """marathon-lb's tool waited 300 s for a drained task before each of these (its Q57)."""
    world = hybrid()
    before_s = world.now_s()
    world.deploy(complete_cur=True)
    assert world.now_s() - before_s < 60


@pytest.mark.parametrize("question", [1, 2, 3])
def test_who_declines_has_what_was_done_until_then(question: int) -> None:
    world = with_blue(declines=question)
    assert not world.deploy()
    done = ["create /nginx-green with 1", "kill 1 of /nginx-blue", "scale /nginx-green to 2"]
    assert world.calls == [[], done[:1], done][question - 1]


def test_an_interrupted_deployment_is_resumed_where_it_stood() -> None:
    world = with_blue(declines=3)
    world.deploy()
    with pytest.raises(ZddError, match="--resume"):
        world.deploy()
    assert world.calls == []
    assert world.deploy(resume=True)
    assert world.calls == FULL


def test_the_colours_and_their_ports_alternate() -> None:
    world = with_blue()
    world.deploy()
    world.deploy()
    assert world.now == {"/nginx-blue": 4}
    assert world.port("/nginx-blue") == 10_000
    world.deploy(new_instances=1)
    assert world.port("/nginx-green") == 10_001
    assert {world.labels(app_id)["HAPROXY_0_PORT"] for app_id in world.now} == {"10000"}


def test_the_hook_hears_of_the_tasks_before_they_are_killed_and_may_stop_it() -> None:
    world = with_blue(hook_fails=True)
    with pytest.raises(ZddError, match="hook"):
        world.deploy()
    assert world.calls == ["create /nginx-green with 1"]
    assert world.hooked == [("/nginx-blue", ("nginx-blue.31001",), "/nginx-green")]


@pytest.mark.parametrize("dry", [{}, {"new_instances": 2}])
def test_a_dry_run_shows_the_definition_and_changes_nothing(dry: dict[str, Any]) -> None:
    world = with_blue()
    assert world.deploy(dry=True, **dry)
    assert (world.calls, world.asked) == ([], [])
    assert json.loads(world.shown[-1])["id"] == "/nginx-green"


def test_tasks_whose_sessions_do_not_end_are_killed_when_the_time_is_over() -> None:
    world = with_blue(sessions=3)
    assert world.deploy(max_wait_s=20.0)
    assert world.now == {"/nginx-green": 4}
    assert any("no drained server has ended its sessions" in line for line in world.told)


def test_a_balancer_that_reloads_is_waited_for() -> None:
    world = with_blue(is_reloading=True)
    world.deploy(new_instances=1, max_wait_s=20.0)
    assert "a balancer reloads" in world.told


def test_balancers_that_do_not_have_the_backend_end_it() -> None:
    """marathon-lb's tool went on for ever (19.3)."""
    world = with_blue(knows_backend=False)
    with pytest.raises(BalancerSilent, match="nginx_10000"):
        world.deploy(max_wait_s=20.0)
    assert world.calls == ["create /nginx-green with 1"]


def test_balancers_that_say_nothing_at_first_end_it_and_later_they_are_waited_for() -> None:
    world = with_blue(silent_looks=1)
    with pytest.raises(BalancerSilent):
        world.deploy()
    assert world.deploy(resume=True)


def test_completing_needs_two_colours_and_one_direction() -> None:
    world = with_blue()
    with pytest.raises(WrongFlags):
        world.deploy(complete_cur=True)
    with pytest.raises(WrongFlags):
        hybrid().deploy(complete_cur=True, complete_prev=True)


LACKS = [
    ({"id": ""}, "id"),
    ({"labels": None}, "HAPROXY_DEPLOYMENT_GROUP"),
    ({"labels": {"HAPROXY_DEPLOYMENT_GROUP": "x"}}, "HAPROXY_DEPLOYMENT_ALT_PORT"),
    ({"labels": {**DEFINITION["labels"], "HAPROXY_DEPLOYMENT_ALT_PORT": "http"}}, "is no port"),
    ({"container": {}}, "no service port"),
]


@pytest.mark.parametrize(("members", "words"), LACKS)
def test_a_definition_that_lacks_something_changes_nothing(members: dict[str, Any], words: str) -> None:
    world = World()
    with pytest.raises(MissingField, match=words):
        world.deploy({**DEFINITION, **members})
    assert world.calls == []


MAPPING = {"containerPort": 80, "servicePort": 10000}
FORMS = [
    {"container": {"docker": {"portMappings": [MAPPING]}}},
    {"container": {"portMappings": [MAPPING]}},
    {"container": None, "portDefinitions": [{"port": 10000}]},
    {"container": None, "ports": [10000]},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_service_port_is_read_and_written_wherever_a_definition_has_it(form: dict[str, Any]) -> None:
    world = World()
    document = {**DEFINITION, **form}
    world.deploy(document)
    world.deploy(document, new_instances=1)
    assert [world.port(app_id) for app_id in ("/nginx-blue", "/nginx-green")] == [10_000, 10_001]
