"""What follows when nodes stop, are cut off and come back."""

from typing import Any

import pytest

from milepost.local.apps.refusal import Refused
from milepost.local.scheduler import render
from milepost.local.scheduler.effects import DropTask, KillTask, LaunchTask, ProbeHealth, TaskEnded
from milepost.local.scheduler.faults import partition_node, start_node, stop_node
from support.local_world import CHECKED, NODES, SLEEPER, World, definition

ONE, OTHER = (node.address for node in NODES)
PATIENT = {"inactiveAfterSeconds": 60, "expungeAfterSeconds": 600}


def running(**more: object) -> World:
    """Two tasks of one app, one on each node."""
    world = World()
    world.put({**SLEEPER, "instances": 2, **more})
    world.run()
    world.events.clear()
    world.effects.clear()
    return world


def states(world: World) -> dict[str, list[str]]:
    """The states of the tasks by node, those that wait under ""."""
    found: dict[str, list[str]] = {}
    for each in world.instances():
        found.setdefault(each.node if each.is_active else "", []).append(each.state.removeprefix("TASK_"))
    return {node: sorted(each) for node, each in found.items()}


def statuses(world: World) -> list[str]:
    return [body["taskStatus"] for body in world.told("status_update_event")]


def conditions(world: World) -> list[str]:
    return [body["condition"] for body in world.told("instance_changed_event")]


def after(world: World, seconds: float) -> None:
    """Let time pass, and what is due happen."""
    world.now_s += seconds
    for effect in [each for each in world.pending if getattr(each, "at_s", world.now_s + 1) <= world.now_s]:
        world.happen(effect)


def test_a_stopped_node_s_tasks_are_gone_at_once_and_replaced_elsewhere() -> None:
    world = running()
    (lost,) = [each for each in world.instances() if each.node == ONE]
    world.command(stop_node, ONE)
    assert DropTask(lost.task_id) in world.effects
    assert statuses(world) == ["TASK_GONE"]
    assert "Gone" in conditions(world)
    after(world, 1.0)  # the loss counts for the backoff
    assert states(world) == {OTHER: ["RUNNING", "STAGING"]}
    failure = render.app(world.cluster, world.record(), {"lastTaskFailure"})["lastTaskFailure"]
    assert (failure["state"], failure["message"]) == ("TASK_GONE", "the node was stopped")


def test_a_started_node_takes_tasks_again() -> None:
    world = running()
    world.command(stop_node, ONE)
    world.command(stop_node, OTHER)
    after(world, 2.0)
    assert states(world) == {"": ["GONE", "GONE"]}
    (waiting,) = render.queue(world.cluster, world.now_s)
    assert waiting["processedOffersSummary"]["processedOffersCount"] == 0
    world.command(start_node, ONE)
    assert states(world) == {ONE: ["STAGING", "STAGING"]}


def test_unreachable_tasks_are_replaced_at_once_by_default_and_end_when_their_node_is_back() -> None:
    world = running()
    (lost,) = [each for each in world.instances() if each.node == ONE]
    world.command(partition_node, ONE)
    assert statuses(world) == ["TASK_UNREACHABLE", "TASK_STAGING"]
    assert states(world) == {OTHER: ["RUNNING", "STAGING"]}
    assert not any(isinstance(each, KillTask) for each in world.effects)
    world.command(start_node, ONE)
    assert [each.task_id for each in world.effects if isinstance(each, KillTask)] == [lost.task_id]
    world.run()
    assert len(world.instances()) == 2


def test_a_patient_app_waits_then_replaces_then_gives_up() -> None:
    world = running(unreachableStrategy=PATIENT)
    world.command(partition_node, ONE)
    assert states(world)[ONE] == ["UNREACHABLE"]
    after(world, 59)
    assert len(world.instances()) == 2
    after(world, 1)
    assert states(world) == {ONE: ["UNREACHABLE"], OTHER: ["RUNNING", "STAGING"]}
    assert "UnreachableInactive" in conditions(world)
    after(world, 540)
    assert ONE not in states(world)


def test_a_task_that_is_found_in_time_goes_on_as_it_was() -> None:
    world = running(unreachableStrategy=PATIENT)
    before = world.instances()
    world.command(partition_node, ONE)
    world.command(start_node, ONE)
    assert statuses(world) == ["TASK_UNREACHABLE", "TASK_RUNNING"]
    assert conditions(world) == ["Unreachable", "Running"]
    assert [(each.task_id, each.started_at_s) for each in world.instances()] == [
        (each.task_id, each.started_at_s) for each in before
    ]
    assert not any(isinstance(each, LaunchTask | KillTask) for each in world.effects)


def test_a_task_that_was_replaced_and_is_found_leaves_as_many_as_wanted() -> None:
    world = running(unreachableStrategy=PATIENT)
    world.command(partition_node, ONE)
    after(world, 60)
    world.command(start_node, ONE)
    world.run()
    assert sorted(state for each in states(world).values() for state in each) == ["RUNNING", "RUNNING"]


def test_with_the_strategy_disabled_an_unreachable_task_is_never_replaced() -> None:
    world = running(unreachableStrategy="disabled")
    world.command(partition_node, ONE)
    after(world, 1e6)
    assert states(world) == {ONE: ["UNREACHABLE"], OTHER: ["RUNNING"]}


def test_what_happens_behind_a_partition_is_heard_when_it_ends() -> None:
    world = running(unreachableStrategy="disabled")
    (lost,) = [each for each in world.instances() if each.node == ONE]
    world.command(partition_node, ONE)
    world.tell(TaskEnded(lost.task_id, 1, "Command exited with status 1"))
    assert states(world)[ONE] == ["UNREACHABLE"]
    world.command(start_node, ONE)
    assert statuses(world) == ["TASK_UNREACHABLE", "TASK_RUNNING", "TASK_FAILED"]


def test_an_unreachable_task_s_checks_say_nothing_and_go_on_afterwards() -> None:
    world = World()
    world.put({**CHECKED, "unreachableStrategy": "disabled"})
    world.run()
    world.happen(next(each for each in world.pending if isinstance(each, ProbeHealth)))
    (instance,) = world.instances()
    world.command(partition_node, instance.node)
    world.events.clear()
    world.failing[instance.task_id] = "refused"
    world.happen(next(each for each in world.pending if isinstance(each, ProbeHealth)))
    assert world.events == []
    world.command(start_node, instance.node)
    (probe,) = [each for each in world.pending if isinstance(each, ProbeHealth)]
    world.happen(probe)
    assert world.told("health_status_changed_event")[0]["alive"] is False


def test_killing_or_deleting_what_cannot_be_reached_does_not_wait_for_it() -> None:
    world = running(unreachableStrategy="disabled")
    world.command(partition_node, ONE)
    world.delete("/web")
    world.run()
    assert world.instances() == []
    assert not world.cluster.deployments


def test_a_task_that_was_being_killed_when_its_node_was_cut_off_holds_nothing_up() -> None:
    world = running(unreachableStrategy="disabled")
    world.delete("/web")
    world.command(partition_node, ONE)
    world.run()
    assert world.instances() == []
    assert not world.cluster.deployments


@pytest.mark.parametrize("strategy", [{}, PATIENT, "disabled"])
def test_a_rolling_restart_goes_on_without_the_unreachable(strategy: Any) -> None:
    world = running(unreachableStrategy=strategy)
    world.command(partition_node, ONE)
    after(world, 60)
    world.put({**SLEEPER, "instances": 2, "unreachableStrategy": strategy, "env": {"NEW": "1"}})
    world.run()
    assert states(world) == {OTHER: ["RUNNING", "RUNNING"]}


def test_what_a_node_s_tasks_took_is_free_again_whatever_became_of_them() -> None:
    world = running(unreachableStrategy=PATIENT, ports=[0])
    world.command(partition_node, ONE)
    after(world, 600)
    world.command(stop_node, OTHER)
    world.command(start_node, ONE)
    world.command(start_node, OTHER)
    after(world, 1)
    world.run()
    world.delete("/web")
    world.run()
    assert not any(world.cluster.tasks_on.values())
    assert not any(world.cluster.used_ports.values())
    assert {(each.cpus, each.mem, each.disk) for each in world.cluster.used.values()} == {(0, 0, 0)}


def test_nodes_are_named_by_address_or_last_number_and_others_refused() -> None:
    world = running()
    world.command(stop_node, ONE.rpartition(".")[2])
    assert world.cluster.down == {ONE: "stopped"}
    with pytest.raises(Refused, match=f"there are {ONE}, {OTHER}"):
        world.command(stop_node, "127.0.59.9")
    with pytest.raises(Refused, match=f"node {ONE} is stopped"):
        world.command(partition_node, ONE)


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("never", "must be disabled or an object"),
        (5, "must be disabled or an object"),
        ({"inactiveAfterSeconds": -1}, "got -1, expected 0 or more"),
        ({"inactiveAfterSeconds": "soon"}, "got soon, expected 0 or more"),
        ({"expungeAfterSeconds": 1.5}, "got 1.5, expected 0 or more"),
        ({"inactiveAfterSeconds": 2, "expungeAfterSeconds": 1}, "must not be greater than expungeAfterSeconds"),
    ],
)
def test_a_strategy_that_means_nothing_is_refused(strategy: object, said: str) -> None:
    with pytest.raises(Refused) as refused:
        definition({**SLEEPER, "unreachableStrategy": strategy})
    assert said in refused.value.body["details"][0]["errors"][0]
