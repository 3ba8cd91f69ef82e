"""The scheduler's core: what follows from what happens to tasks and from what is asked for."""

from typing import Any

import pytest

from milepost.local.apps.refusal import Refused
from milepost.local.scheduler import changes, render
from milepost.local.scheduler.deployments import cancel
from milepost.local.scheduler.effects import KillTask, PortTaken, Probed, ProbeHealth, SaveChange, TaskEnded
from milepost.local.scheduler.nodes import Node
from milepost.local.scheduler.ports import HOST_PORTS
from milepost.local.scheduler.restore import restore
from milepost.local.scheduler.saved import Saved
from support.local_world import CHECKED, SLEEPER, World

DOCKER = {"id": "/web", "container": {"type": "DOCKER", "docker": {"image": "nginx", "network": "BRIDGE"}}}


def running(document: Any = SLEEPER, **more: object) -> World:
    """A world in which this app is deployed."""
    world = World()
    world.put({**document, **more})
    world.run()
    return world


def statuses(world: World) -> list[str]:
    return [body["taskStatus"] for body in world.told("status_update_event")]


def test_a_new_app_is_deployed_once_its_task_runs() -> None:
    world = World()
    accepted = world.put(SLEEPER)
    assert list(world.cluster.deployments) == [accepted.deployment_id]
    world.run()
    assert not world.cluster.deployments
    assert statuses(world) == ["TASK_STAGING", "TASK_RUNNING"]
    assert [each["id"] for each in world.told("deployment_success")] == [accepted.deployment_id]


def test_an_app_with_a_check_is_deployed_only_when_the_check_passes() -> None:
    world = World()
    world.put(CHECKED)
    world.happen(world.pending[0])
    assert world.instances()[0].state == "TASK_RUNNING"
    assert world.cluster.deployments
    world.run()
    assert world.told("health_status_changed_event")[0]["alive"] is True


def test_the_first_probe_comes_soon_and_failed_ones_are_repeated_quickly_while_the_task_is_new() -> None:
    world = World()
    world.put({**CHECKED, "healthChecks": [{"path": "/", "intervalSeconds": 60}]})
    world.happen(world.pending[0])
    first = world.pending[0]
    assert isinstance(first, ProbeHealth)
    assert first.after_s <= 0.2
    world.failing[first.task_id] = "refused"
    world.happen(first)
    assert isinstance(world.pending[0], ProbeHealth)
    assert world.pending[0].after_s <= 0.2
    world.failing.clear()
    world.happen(world.pending[0])
    assert isinstance(world.pending[0], ProbeHealth)
    assert world.pending[0].after_s == 60


@pytest.mark.parametrize(("status", "word"), [(0, "TASK_FINISHED"), (1, "TASK_FAILED"), (-9, "TASK_FAILED")])
def test_a_task_that_ends_is_replaced_whatever_its_exit_status(status: int, word: str) -> None:
    world = running()
    before = world.instances()[0]
    world.tell(TaskEnded(before.task_id, status))
    assert statuses(world)[-1] == word
    world.run()
    after = world.instances()[0]
    assert after.state == "TASK_RUNNING"
    assert (after.id, after.incarnation) == (before.id, before.incarnation + 1)


def test_a_failed_task_stays_visible_until_its_replacement_is_launched() -> None:
    world = running()
    world.tell(TaskEnded(world.instances()[0].task_id, 1, "boom"))
    assert world.instances()[0].state == "TASK_FAILED"
    failure = world.record().last_failure
    assert failure
    assert failure.message == "boom"


def test_a_killed_task_is_announced_first_and_is_killed_only_when_it_is_gone() -> None:
    world = running(taskKillGracePeriodSeconds=7)
    world.command(changes.kill_tasks, world.instances())
    assert statuses(world)[-1] == "TASK_KILLING"
    kill = world.pending[-1]
    assert isinstance(kill, KillTask)
    assert kill.grace_s == 7
    world.tell(TaskEnded(kill.task_id, 0))
    assert "TASK_KILLED" in statuses(world)
    assert statuses(world)[-1] == "TASK_STAGING"


def test_a_task_without_a_grace_period_of_its_own_has_three_seconds() -> None:
    world = running()
    world.command(changes.kill_tasks, world.instances())
    assert [each.grace_s for each in world.pending if isinstance(each, KillTask)] == [3.0]


def test_scaling_up_leaves_the_running_tasks_alone() -> None:
    world = running()
    first = world.instances()[0]
    world.put({**SLEEPER, "instances": 3})
    world.run()
    assert len(world.instances()) == 3
    assert first in world.instances()
    info = world.definition().version_info
    assert info
    assert info.last_scaling_at > info.last_config_change_at


def test_scaling_down_kills_the_youngest() -> None:
    world = running(instances=1)
    oldest = world.instances()[0].id
    world.now_s += 10
    world.put({**SLEEPER, "instances": 3})
    world.run()
    world.put(SLEEPER)
    world.run()
    assert [each.id for each in world.instances()] == [oldest]


def test_scaling_to_nothing_and_deleting_end_all_tasks() -> None:
    world = running(instances=2)
    world.put({**SLEEPER, "instances": 0})
    world.run()
    assert world.instances() == []
    world.delete("/web")
    world.run()
    assert not world.cluster.records
    assert [body["appId"] for body in world.told("app_terminated_event")] == ["/web"]


def test_a_deleted_app_is_gone_at_once_though_its_tasks_still_die() -> None:
    world = running()
    world.delete("/web")
    assert world.cluster.app("/web") is None
    assert world.instances()[0].state == "TASK_KILLING"


def test_a_restart_replaces_every_task_under_a_new_version() -> None:
    world = running(instances=2)
    before = {each.id for each in world.instances()}
    old = world.record().definition
    world.command(changes.restart, world.record(), force=False)
    world.run()
    assert before.isdisjoint({each.id for each in world.instances()})
    assert old
    assert world.definition().version > old.version


def test_a_change_that_changes_nothing_is_a_deployment_that_is_done_at_once() -> None:
    world = running(DOCKER)
    before = world.record().definition
    accepted = world.put(DOCKER)
    assert not world.cluster.deployments
    assert world.told("deployment_success")[-1]["id"] == accepted.deployment_id
    assert world.record().definition is before


def test_an_app_under_deployment_is_locked_for_others() -> None:
    world = World()
    first = world.put(SLEEPER)
    with pytest.raises(Refused, match="locked by one or more deployments") as refused:
        world.put({**SLEEPER, "instances": 2})
    assert refused.value.status == 409
    assert refused.value.body["deployments"] == [{"id": first.deployment_id}]
    assert world.told("group_change_failed")
    assert world.definition().instances == 1


def test_force_takes_the_lock_away_and_the_other_deployment_fails() -> None:
    world = World()
    first = world.put(SLEEPER)
    world.put({**SLEEPER, "instances": 2}, force=True)
    world.run()
    assert [body["id"] for body in world.told("deployment_failed")] == [first.deployment_id]
    assert len(world.instances()) == 2


def test_other_apps_deploy_beside_a_locked_one() -> None:
    world = World()
    world.put(SLEEPER)
    world.put({**SLEEPER, "id": "/other"})
    assert len(world.cluster.deployments) == 2


def test_a_cancelled_deployment_keeps_what_it_started() -> None:
    world = World()
    world.put(SLEEPER)
    (deployment,) = world.cluster.deployments.values()
    world.command(cancel, deployment)
    world.run()
    assert world.instances()[0].state == "TASK_RUNNING"


def test_undoing_a_deployment_brings_the_old_definition_back() -> None:
    world = running()
    world.put({**SLEEPER, "cmd": "sleep 2"})
    (deployment,) = world.cluster.deployments.values()
    world.command(changes.undo, deployment)
    world.run()
    assert {each.definition.cmd for each in world.instances()} == {"sleep 1000"}


def test_undoing_a_creation_deletes_the_app() -> None:
    world = World()
    world.put(SLEEPER)
    (deployment,) = world.cluster.deployments.values()
    world.command(changes.undo, deployment)
    world.run()
    assert not world.cluster.records


def test_an_app_starts_after_the_apps_it_depends_on() -> None:
    world = World()
    world.put({**SLEEPER, "id": "/front", "dependencies": ["/back"]}, {**SLEEPER, "id": "/back"})
    assert not world.instances("/front")
    world.run()
    order = [body["appId"] for body in world.told("status_update_event") if body["taskStatus"] == "TASK_RUNNING"]
    assert order == ["/back", "/front"]


def test_a_circle_of_dependencies_is_refused() -> None:
    world = World()
    with pytest.raises(Refused) as refused:
        world.put({**SLEEPER, "id": "/a", "dependencies": ["b"]}, {**SLEEPER, "id": "/b", "dependencies": ["a"]})
    assert refused.value.body["details"][0]["errors"] == ["Dependency graph has cyclic dependencies."]
    assert not world.cluster.records


@pytest.mark.parametrize(("first", "second"), [("/a", "/a/b"), ("/a/b", "/a")])
def test_an_app_and_a_group_cannot_share_an_id(first: str, second: str) -> None:
    world = World()
    world.put({**SLEEPER, "id": first})
    with pytest.raises(Refused, match="not valid"):
        world.put({**SLEEPER, "id": second})


def test_failures_delay_the_next_launch_more_and_more() -> None:
    world = running(backoffSeconds=1, backoffFactor=2)
    delays = []
    for _ in range(4):
        failed_at_s = world.now_s
        world.tell(TaskEnded(world.instances()[0].task_id, 1))
        world.happen(world.pending[-1])
        delays.append(world.now_s - failed_at_s)
    assert delays == [1, 2, 4, 8]


def test_scaling_keeps_a_delay_and_a_new_configuration_ends_it() -> None:
    world = running(backoffSeconds=100)
    world.tell(TaskEnded(world.instances()[0].task_id, 1))
    world.put({**SLEEPER, "backoffSeconds": 100, "instances": 2}, force=True)
    assert not any(each.is_active for each in world.instances())
    world.put({**SLEEPER, "backoffSeconds": 100, "env": {"A": "B"}}, force=True)
    assert any(each.is_active for each in world.instances())


@pytest.mark.parametrize(("allowed", "deadly"), [(3, 4), (1, 2)])
def test_a_task_dies_of_one_failure_more_than_allowed(allowed: int, deadly: int) -> None:
    world = running({**CHECKED, "healthChecks": [{"path": "/", "maxConsecutiveFailures": allowed}]})
    task_id = world.instances()[0].task_id
    for number in range(1, deadly + 1):
        assert world.instances()[0].state == "TASK_RUNNING", f"killed before failure {number}"
        world.tell(Probed(task_id, 0, "503 Service Unavailable"))
    assert world.instances()[0].state == "TASK_KILLING"
    assert world.told("unhealthy_instance_kill_event")[0]["taskId"] == task_id
    assert [body["alive"] for body in world.told("health_status_changed_event")] == [True, False]
    assert len(world.told("failed_health_check_event")) == deadly


def test_a_kill_for_health_is_kept_as_the_last_failure_and_delays_nothing() -> None:
    world = running({**CHECKED, "healthChecks": [{"path": "/", "maxConsecutiveFailures": 1}]})
    task_id = world.instances()[0].task_id
    world.tell(Probed(task_id, 0, "503"))
    world.tell(Probed(task_id, 0, "503"))
    world.tell(TaskEnded(task_id, -15))
    failure = world.record().last_failure
    assert failure
    assert (failure.state, "Reason: 503" in failure.message) == ("TASK_KILLED", True)
    assert world.instances()[0].state == "TASK_STAGING"


def test_why_a_task_had_to_die_is_kept_though_it_is_killed_once_more_meanwhile() -> None:
    world = running({**CHECKED, "healthChecks": [{"path": "/", "maxConsecutiveFailures": 1}]})
    task_id = world.instances()[0].task_id
    world.tell(Probed(task_id, 0, "503"))
    world.tell(Probed(task_id, 0, "503"))
    world.put({**CHECKED, "instances": 0})
    world.tell(TaskEnded(task_id, -15))
    failure = world.record().last_failure
    assert failure
    assert "Reason: 503" in failure.message


def test_what_is_said_about_a_task_that_is_no_more_is_ignored() -> None:
    world = running()
    old = world.instances()[0].task_id
    world.tell(TaskEnded(old, 1))
    world.run()
    before = world.instances()
    world.tell(TaskEnded(old, 1))
    world.tell(Probed(old, 0, None))
    assert world.instances() == before


def test_a_host_port_in_other_hands_is_passed_over() -> None:
    world = World(nodes=(Node("127.0.59.1"),))
    world.put(DOCKER)
    first = world.instances()[0]
    world.tell(PortTaken(first.task_id, first.ports[0]))
    world.pending = [each for each in world.pending if getattr(each, "task_id", "") != first.task_id]
    world.run()
    assert world.instances()[0].ports != first.ports
    assert world.record().last_failure is None


def test_a_host_port_that_the_app_insists_on_and_cannot_have_is_waited_for_with_the_reason() -> None:
    world = World(nodes=(Node("127.0.59.1"),))
    world.put({**SLEEPER, "requirePorts": True, "portDefinitions": [{"port": 8123}]})
    task_id = world.instances()[0].task_id
    world.tell(PortTaken(task_id, 8123))
    failure = world.record().last_failure
    assert failure
    assert failure.message == "port 8123 on 127.0.59.1 is in use by another program"
    assert statuses(world) == ["TASK_STAGING", "TASK_DROPPED"]
    (item,) = render.queue(world.cluster, world.now_s, with_offers=True)
    assert item["delay"] == {"timeLeftSeconds": 0, "overdue": True}
    assert [each["reason"] for each in item["lastUnusedOffers"]] == [["InsufficientPorts"]]
    world.pending = [each for each in world.pending if getattr(each, "task_id", "") != task_id]
    world.run()  # it is tried again
    assert world.instances()[0].ports == (8123,)


def test_no_two_tasks_share_a_port_of_a_node_and_all_nodes_are_used() -> None:
    world = running(DOCKER, instances=40)
    places = [(each.node, each.ports[0]) for each in world.instances()]
    assert len(set(places)) == 40
    assert {port in HOST_PORTS for _, port in places} == {True}
    assert sorted(node for node, _ in places) == ["127.0.59.2"] * 20 + ["127.0.59.3"] * 20


def test_tasks_that_find_no_room_wait_until_another_ends() -> None:
    world = World(nodes=(Node("127.0.59.1"),))
    world.put({**SLEEPER, "requirePorts": True, "instances": 2, "portDefinitions": [{"port": 8123}]})
    assert [each.state for each in world.instances()] == ["TASK_STAGING", ""]
    world.put({"id": "/web", "cmd": "sleep 1", "instances": 1}, force=True)
    world.run()
    assert [each.state for each in world.instances()] == ["TASK_RUNNING"]


def test_killing_with_scale_kills_exactly_the_named_tasks() -> None:
    world = running(instances=3)
    victim, *others = world.instances()
    world.command(changes.kill_and_scale, [victim], force=False)
    world.run()
    assert [each.id for each in world.instances()] == [each.id for each in others]
    assert world.definition().instances == 2


def test_wiping_forgets_the_instance() -> None:
    world = running()
    before = world.instances()[0].id
    world.command(changes.kill_tasks, world.instances(), wipe=True)
    world.run()
    assert [each.id for each in world.instances()] != [before]
    assert len(world.instances()) == 1


def test_accepted_definitions_are_kept_and_deleted_ones_forgotten() -> None:
    world = running()
    app = world.definition()
    deleted = world.delete("/web")
    saves = [each for each in world.effects if isinstance(each, SaveChange)]
    assert saves == [SaveChange(app.version, {"/web": app}, {}), SaveChange(deleted.version, {"/web": None}, {})]


def test_apps_that_were_kept_come_back_with_their_ports() -> None:
    before = running(DOCKER).record().definition
    assert before
    world = World()
    world.command(restore, Saved.of([before]))
    world.run()
    assert world.instances()[0].definition == before
    world.put({**DOCKER, "id": "/other"})
    assert world.definition("/other").service_ports == (10_001,)
