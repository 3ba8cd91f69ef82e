"""What waits for a launch: for how long, why, and what goes first when there is too much."""

from typing import Any

import pytest

from milepost.local.scheduler import changes, render
from milepost.local.scheduler.effects import KillTask, LaunchTask, Probed, TaskEnded, WakeAt
from milepost.local.scheduler.faults import partition_node, stop_node
from milepost.local.scheduler.nodes import Node, Resources
from milepost.local.scheduler.task_stats import task_stats
from milepost.local.scheduler.timestamp import written
from support.local_world import CHECKED, NODES, SLEEPER, World

SLOW: dict[str, Any] = {**SLEEPER, "backoffSeconds": 10, "backoffFactor": 2}


def running(document: Any = SLOW, **more: object) -> World:
    world = World()
    world.put({**document, **more})
    world.run()
    return world


def fail(world: World, status: int = 1) -> None:
    world.tell(TaskEnded(world.instances()[0].task_id, status))


def queued(world: World) -> Any:
    (item,) = render.queue(world.cluster, world.now_s, with_offers=True)
    return item


def test_a_delay_shows_how_long_it_still_is_and_since_when_the_task_waits() -> None:
    world = running()
    failed_at_s = world.now_s
    fail(world)
    world.now_s += 3.5
    item = queued(world)
    assert item["delay"] == {"timeLeftSeconds": 7, "overdue": False}
    assert (item["count"], item["since"]) == (1, written(failed_at_s))
    assert item["processedOffersSummary"]["processedOffersCount"] == 0


def test_what_waits_for_a_place_and_not_for_its_delay_is_overdue() -> None:
    world = World((Node("127.0.59.2", Resources.of(1, 50, 100), {"rack": "a"}),))
    world.put(SLEEPER)
    item = queued(world)
    assert item["delay"] == {"timeLeftSeconds": 0, "overdue": True}
    summary = item["processedOffersSummary"]
    assert (summary["processedOffersCount"], summary["unusedOffersCount"]) == (1, 1)
    assert summary["lastUnusedOfferAt"] == written(world.now_s)
    (unused,) = item["lastUnusedOffers"]
    assert unused["reason"] == ["InsufficientMemory"]
    assert unused["offer"]["hostname"] == "127.0.59.2"
    assert {"name": "mem", "role": "*", "scalar": 50.0} in unused["offer"]["resources"]
    assert unused["offer"]["attributes"] == [{"name": "rack", "text": "a"}]
    assert "lastUnusedOffers" not in render.queue(world.cluster, world.now_s)[0]


@pytest.mark.parametrize("status", [0, 1, -9])
def test_a_task_that_ends_by_itself_delays_the_next_launch_whatever_its_exit_status(status: int) -> None:
    world = running()
    fail(world, status)
    assert queued(world)["delay"]["timeLeftSeconds"] == 10


def test_the_loss_of_a_node_delays_and_a_kill_and_an_unreachable_node_do_not() -> None:
    world = running()
    world.command(stop_node, world.instances()[0].node)
    assert queued(world)["delay"]["timeLeftSeconds"] == 10
    world = running(instances=2)
    world.command(changes.kill_tasks, world.instances()[:1])
    world.happen(next(each for each in world.pending if isinstance(each, KillTask)))
    world.run()
    world.command(partition_node, NODES[0].address)
    assert render.queue(world.cluster, world.now_s) == []
    assert world.record().backoff.delay_s == 0


def test_a_launch_counts_the_delay_from_then_on_so_that_more_tasks_wait_for_it() -> None:
    world = running()
    fail(world)
    world.run()
    world.put({**SLOW, "instances": 3})
    assert queued(world)["delay"]["timeLeftSeconds"] == 10
    before_s = world.now_s
    world.run()
    assert world.now_s == before_s + 10
    assert len([each for each in world.instances() if each.state == "TASK_RUNNING"]) == 3


def test_tasks_of_an_older_config_that_fail_delay_no_newer_one() -> None:
    world = running(instances=2, upgradeStrategy={"minimumHealthCapacity": 1, "maximumOverCapacity": 0})
    old = world.instances()[0]
    world.put({**SLOW, "instances": 2, "env": {"A": "new"}})
    new = next(each for each in world.instances() if each.definition.env)
    world.tell(TaskEnded(new.task_id, 1))
    assert world.record().backoff.delay_s == 10
    world.tell(TaskEnded(old.task_id, 1))
    assert world.record().backoff.delay_s == 10
    assert world.record().backoff.config == world.definition().config_version


def test_an_app_without_a_place_is_looked_at_again_by_one_timer_however_many_tasks_end_meanwhile() -> None:
    world = World((Node("127.0.59.2", Resources.of(1, 1000, 100)),))
    world.put({**SLOW, "cpus": 1, "backoffSeconds": 0})
    world.put({**SLEEPER, "id": "/waits", "cpus": 2})
    for _ in range(10):
        fail(world)
    timers = [each for each in world.pending if isinstance(each, WakeAt) and each.app_id == "/waits"]
    assert len(timers) == 1
    world.happen(timers[0])
    assert sum(isinstance(each, WakeAt) and each.app_id == "/waits" for each in world.pending) == 1


def test_a_delay_that_is_reset_is_forgotten_at_once() -> None:
    world = running()
    fail(world)
    assert world.command(changes.reset_delay, world.record())
    assert render.queue(world.cluster, world.now_s) == []
    fail(world)
    assert queued(world)["delay"]["timeLeftSeconds"] == 10
    world.run()
    assert not world.command(changes.reset_delay, world.record())  # nothing waits any more


@pytest.mark.parametrize(("selection", "left"), [("YOUNGEST_FIRST", "first"), ("OLDEST_FIRST", "last")])
def test_scaling_down_takes_the_youngest_or_the_oldest(selection: str, left: str) -> None:
    app = {**SLEEPER, "killSelection": selection}
    world = running(app)
    for instances in (2, 3):
        world.now_s += 10
        world.put({**app, "instances": instances})
        world.run()
    first, *_, last = sorted(world.instances(), key=lambda each: each.started_at_s or 0)
    world.put(app)
    world.run()
    assert [each.id for each in world.instances()] == [{"first": first, "last": last}[left].id]


def test_scaling_down_takes_what_waits_then_the_unreachable_then_the_staged_whatever_their_health() -> None:
    app = {**CHECKED, "unreachableStrategy": "disabled", "constraints": [["hostname", "MAX_PER", "2"]]}
    world = running({**app, "instances": 2})
    sick, lost = world.instances()
    world.tell(Probed(sick.task_id, 0, "503"))
    world.now_s += 1
    world.put({**app, "instances": 5})
    staged = next(each for each in world.instances() if each.state == "TASK_STAGING" and each.node == sick.node)
    world.happen(next(each for each in world.pending if isinstance(each, LaunchTask) and each.node == lost.node))
    world.command(partition_node, lost.node)
    order = []
    for instances in (4, 3, 2, 1):
        before = {each.id: each for each in world.instances() if not each.leaving}
        world.put({**app, "instances": instances}, force=True)
        (gone,) = before.keys() - {each.id for each in world.instances() if not each.leaving}
        order.append(before[gone].state)
    assert order == ["", "TASK_UNREACHABLE", "TASK_UNREACHABLE", "TASK_STAGING"]
    assert staged.id != sick.id
    assert [each.id for each in world.instances() if not each.leaving] == [sick.id]


def test_statistics_tell_the_tasks_of_the_latest_change_from_older_ones() -> None:
    world = running({**CHECKED, "instances": 2})
    world.now_s += 100
    world.put({**CHECKED, "instances": 3})
    world.run()
    world.put({**CHECKED, "instances": 3, "env": {"A": "new"}})
    stats = task_stats(world.record(), world.now_s)
    assert {name: each["stats"]["counts"]["staged"] for name, each in stats.items()} == {
        "startedAfterLastScaling": 3,
        "withLatestConfig": 3,
        "withOutdatedConfig": 0,
        "totalSummary": 3,
    }
    old = stats["withOutdatedConfig"]["stats"]
    assert old["counts"] == {"staged": 0, "running": 3, "healthy": 3, "unhealthy": 0}
    assert old["lifeTime"]["medianSeconds"] == pytest.approx(100, abs=1)
    assert old["lifeTime"]["averageSeconds"] == pytest.approx(66.7, abs=1)
    assert "lifeTime" not in stats["withLatestConfig"]["stats"]  # none of them runs yet


def test_statistics_leave_groups_without_tasks_out() -> None:
    world = running()
    assert task_stats(world.record(), world.now_s).keys() == {
        "startedAfterLastScaling",
        "withLatestConfig",
        "totalSummary",
    }
    world.put({**SLOW, "instances": 0})
    world.run()
    assert task_stats(world.record(), world.now_s) == {}
