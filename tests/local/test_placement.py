"""Where tasks may run: constraints, resources and ports."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.local.apps.constraints import Constraint
from milepost.local.apps.refusal import Refused
from milepost.local.scheduler import render
from milepost.local.scheduler.constraints import allows
from milepost.local.scheduler.effects import KillTask
from milepost.local.scheduler.nodes import Equipment, Node, Resources
from milepost.local.scheduler.placement import Candidate, Place, Rejection, place, summary
from support.local_world import SLEEPER, World, definition

A1, A2, B1 = (Node(f"n{i}", attributes={"rack": rack, "n": str(i)}) for i, rack in ((1, "a"), (2, "a"), (3, "b")))
BARE = Node("n4")


@pytest.mark.parametrize(
    ("words", "node", "peers", "allowed"),
    [
        (("hostname", "UNIQUE"), A1, [A1], False),
        (("hostname", "UNIQUE"), A1, [A2, B1], True),
        (("rack", "UNIQUE"), A2, [A1], False),
        (("rack", "UNIQUE"), B1, [A1], True),
        (("rack", "UNIQUE"), BARE, [], False),  # without the attribute nothing but UNLIKE is satisfied
        (("rack", "CLUSTER", "b"), A1, [], False),
        (("rack", "CLUSTER", "b"), B1, [A1], True),
        (("rack", "CLUSTER"), A1, [], True),  # the first one chooses
        (("rack", "CLUSTER"), A2, [A1, A1], True),
        (("rack", "CLUSTER"), B1, [A1], False),
        (("hostname", "CLUSTER", "n1"), A1, [A1], True),
        (("rack", "LIKE", "[ab]"), A1, [], True),
        (("rack", "LIKE", "b|"), A1, [], False),
        (("hostname", "LIKE", "n"), A1, [], False),  # the whole value must match
        (("rack", "LIKE", ".*"), BARE, [], False),
        (("rack", "UNLIKE", "a"), A1, [], False),
        (("rack", "UNLIKE", "a"), B1, [], True),
        (("rack", "UNLIKE", "a"), BARE, [], True),
        (("rack", "MAX_PER", "2"), A1, [A2], True),
        (("rack", "MAX_PER", "2"), A1, [A2, A1, B1], False),
        (("rack", "MAX_PER", "0"), A1, [], False),
        (("rack", "IS", "a"), A1, [], True),
        (("rack", "IS", "a.*"), A1, [], False),  # no pattern
        (("@hostname", "IS", "n1"), A1, [], True),
        (("rack", "GROUP_BY"), A1, [], True),
        (("rack", "GROUP_BY"), A1, [A2, B1], True),
        (("rack", "GROUP_BY"), A1, [A1, A2, B1], False),
        (("rack", "GROUP_BY"), B1, [A1, A2, B1], True),
        (("rack", "GROUP_BY"), A2, [A1], True),  # without a number, only values with tasks are known
        (("rack", "GROUP_BY", "2"), A2, [A1], False),
        (("rack", "GROUP_BY", "3"), A1, [A1, B1], False),  # a third value is to come first
    ],
)
def test_a_constraint_lets_tasks_onto_the_nodes_it_means(
    words: tuple[str, ...], node: Node, peers: list[Node], allowed: bool
) -> None:
    assert allows(Constraint(*words), node, peers) is allowed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rack"], "must be a field, an operator"),
        (["", "UNIQUE"], "must be a field, an operator"),
        (["rack", "IS", "a", "b"], "must be a field, an operator"),
        (["rack", "unique"], "got operator unique, expected one of UNIQUE, CLUSTER"),
        (["rack", "UNIQUE", "a"], "Value specified but not used"),
        (["rack", "LIKE"], "A regular expression value must be provided"),
        (["rack", "UNLIKE", "("], "'(' is not a valid regular expression"),
        (["rack", "MAX_PER"], "is not a number"),
        (["rack", "MAX_PER", "-1"], "is not a number"),
        (["rack", "GROUP_BY", "many"], "is not a number"),
        (["rack", "IS"], "Value was not specified"),
    ],
)
def test_a_constraint_that_means_nothing_is_refused_at_its_place(words: list[str], said: str) -> None:
    with pytest.raises(Refused) as refused:
        definition({**SLEEPER, "constraints": [["rack", "UNIQUE"], words]})
    assert refused.value.status == 422
    (detail,) = refused.value.body["details"]
    assert detail["path"] == "/constraints(1)"
    assert said in detail["errors"][0]


def app(**more: object) -> Any:
    return definition({**SLEEPER, "cpus": 1, "mem": 100, "disk": 10, "ports": [0], **more})


def free(node: Node, cpus: float = 4, mem: float = 400, disk: float = 40, tasks: int = 0) -> Candidate:
    return Candidate(node, Resources.of(cpus, mem, disk), set(), tasks)


def first(count: int) -> int:
    return 0


def test_the_node_with_the_fewest_tasks_takes_the_next() -> None:
    found = place(app(), [free(A1, tasks=2), free(A2, tasks=1), free(B1, tasks=2)], [], first)
    assert found == Place("n2", (31_000,))


def test_grouped_tasks_go_to_the_emptiest_group_before_the_emptiest_node() -> None:
    found = place(app(constraints=[["rack", "GROUP_BY"]]), [free(A2), free(B1, tasks=5)], [A1], first)
    assert isinstance(found, Place)
    assert found.node == "n3"


def test_what_a_task_takes_may_be_all_there_is() -> None:
    assert isinstance(place(app(cpus=0.1 + 0.2), [free(A1, cpus=0.3, mem=100, disk=10)], [], first), Place)


def test_each_node_is_told_its_first_reason() -> None:
    full = Candidate(Node("n9", attributes={"rack": "b"}), Resources.of(4, 400, 40), set(range(31_000, 32_001)), 0)
    theirs = free(Node("n8", attributes={"rack": "b"}, role="theirs"))
    nodes = [theirs, free(A1), free(B1, cpus=0.9), free(B1, mem=99), free(B1, disk=9), full]
    rejected = place(app(constraints=[["rack", "IS", "b"]]), nodes, [], first)
    assert isinstance(rejected, tuple)
    assert summary(rejected) == (
        Rejection("UnfulfilledRole", 1, 6),
        Rejection("UnfulfilledConstraint", 1, 5),
        Rejection("InsufficientCpus", 1, 4),
        Rejection("InsufficientMemory", 1, 3),
        Rejection("InsufficientDisk", 1, 2),
        Rejection("InsufficientPorts", 1, 1),
    )


def test_a_node_gives_the_ports_of_its_own_range_and_any_other_that_is_asked_for() -> None:
    node = Node("n1", ports=range(7000, 7002))
    found = place(app(ports=[0, 0]), [free(node)], [], first)
    assert found == Place("n1", (7000, 7001))
    declined = place(app(ports=[0, 0, 0]), [free(node)], [], first)
    assert isinstance(declined, tuple)
    assert [each.reason for each in declined] == ["InsufficientPorts"]
    assert place(app(ports=[80], requirePorts=True), [free(node)], [], first) == Place("n1", (80,))


@pytest.mark.parametrize(
    ("accepted", "node"),
    [({}, "n1"), ({"acceptedResourceRoles": ["*"]}, "n1"), ({"acceptedResourceRoles": ["public"]}, "n2")],
)
def test_a_node_that_is_for_a_role_takes_only_apps_that_accept_it(accepted: Any, node: str) -> None:
    nodes = [free(Node("n1"), tasks=9), free(Node("n2", role="public"))]
    found = place(app(**accepted), nodes, [], first)
    assert isinstance(found, Place)
    assert found.node == node


def test_ports_and_roles_go_to_the_nodes_in_turn() -> None:
    equipment = Equipment(ports=(range(1, 3), range(3, 5)), roles=("*", "public", "*"))
    nodes = [equipment.node(str(index), index) for index in range(3)]
    assert [(each.ports[0], each.role) for each in nodes] == [(1, "*"), (3, "public"), (1, "*")]


equipments = st.builds(
    Equipment,
    st.builds(Resources.of, st.integers(0, 4), st.integers(0, 400), st.just(100)),
    st.fixed_dictionaries({"rack": st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple)}),
)
constraints = st.sampled_from(
    [
        [],
        [["hostname", "UNIQUE"]],
        [["rack", "UNIQUE"]],
        [["rack", "CLUSTER"]],
        [["rack", "MAX_PER", "2"]],
        [["rack", "GROUP_BY"]],
        [["rack", "UNLIKE", "a"]],
        [["rack", "GROUP_BY"], ["hostname", "MAX_PER", "1"]],
    ]
)


@given(equipments, st.integers(1, 5), constraints, st.integers(1, 8), st.randoms(use_true_random=False))
def test_no_node_holds_more_than_it_has_and_no_constraint_is_broken(
    equipment: Equipment, count: int, asked: list[list[str]], instances: int, chance: Any
) -> None:
    nodes = tuple(equipment.node(f"127.0.59.{index}", index) for index in range(count))
    world = World(nodes, seed=chance.randrange(1000))
    world.put({**SLEEPER, "cpus": 1, "mem": 100, "instances": instances, "constraints": asked})
    placed = [each for each in world.instances() if each.state]
    by_node = Counter(each.node for each in placed)
    for node in nodes:
        assert by_node[node.address] * 1000 <= node.resources.cpus
        assert by_node[node.address] * 100_000 <= node.resources.mem
    homes = [node for each in placed for node in nodes if node.address == each.node]
    for field, operator, *_ in asked:
        _hold(operator, Counter(node.value(field) for node in homes))
    waiting = instances - len(placed)
    assert [item["count"] for item in render.queue(world.cluster, world.now_s)] == ([waiting] if waiting else [])
    assert len(world.record().declined) == (count if waiting else 0)


def _hold(operator: str, groups: "Counter[str | None]") -> None:
    most, fewest = max(groups.values(), default=0), min(groups.values(), default=0)
    match operator:
        case "UNIQUE":
            assert most <= 1
        case "CLUSTER":
            assert len(groups) <= 1
        case "MAX_PER":
            assert most <= 2
        case "GROUP_BY":
            assert most - fewest <= 1
        case "UNLIKE":
            assert "a" not in groups


def test_an_app_that_finds_no_room_waits_with_its_reason_until_there_is_some() -> None:
    world = World((Node("127.0.59.2", Resources.of(1, 1000, 1000)),))
    world.put({**SLEEPER, "id": "/first"})
    world.put({**SLEEPER, "id": "/second"})
    (item,) = render.queue(world.cluster, world.now_s)
    summary = item["processedOffersSummary"]
    assert item["app"]["id"] == "/second"
    assert {"reason": "InsufficientCpus", "declined": 1, "processed": 1} in summary["rejectSummaryLastOffers"]
    world.delete("/first")
    world.happen(next(each for each in world.pending if isinstance(each, KillTask)))
    assert world.instances("/second")[0].state == "TASK_STAGING"
    assert render.queue(world.cluster, world.now_s) == []


def test_tasks_of_an_older_config_do_not_stand_in_the_way_of_a_unique_one() -> None:
    world = World((Node("127.0.59.2"),))
    world.put({**SLEEPER, "constraints": [["hostname", "UNIQUE"]]})
    world.run()
    world.put({**SLEEPER, "constraints": [["hostname", "UNIQUE"]], "env": {"NEW": "1"}})
    world.run()
    (instance,) = world.instances()
    assert instance.definition.env == {"NEW": "1"}
