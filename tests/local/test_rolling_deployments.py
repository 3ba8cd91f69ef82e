"""Marathon-api 10.4: how many tasks exist and serve at any moment of a rolling restart."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.local.apps.definition import UpgradeStrategy
from milepost.local.scheduler.effects import Probed, TaskEnded
from milepost.local.scheduler.rollout import Census, Rollout, begin, is_done, to_kill, to_start
from support.local_world import CHECKED, SLEEPER, World

EXAMPLES = [
    # n, minimum health, over capacity, most that may exist, fewest that must serve
    (4, 1.0, 1.0, 8, 4),
    (4, 0.5, 0.0, 4, 2),
    (4, 1.0, 0.0, 5, 4),
    (4, 0.0, 0.0, 4, 0),
    (1, 1.0, 1.0, 2, 1),
    (3, 0.5, 0.5, 4, 2),
]
shares = st.integers(0, 4).map(lambda quarters: Fraction(quarters, 4))


@pytest.mark.parametrize(("n", "minimum", "over", "most", "fewest"), EXAMPLES)
def test_the_examples_of_the_rules_hold(n: int, minimum: float, over: float, most: int, fewest: int) -> None:
    rollout = begin(n, UpgradeStrategy(minimum_health_capacity=minimum, maximum_over_capacity=over), n, n)
    assert (rollout.cap, rollout.spare) == (most, fewest)


def test_more_instances_than_wanted_go_at_once() -> None:
    assert begin(2, UpgradeStrategy(), old=5, old_good=5).spare == 2


@given(st.integers(1, 6), shares, shares, st.integers(0, 8), st.data())
def test_a_rollout_can_always_move_until_it_is_done(
    n: int, minimum: Fraction, over: Fraction, old: int, data: st.DataObject
) -> None:
    strategy = UpgradeStrategy(minimum_health_capacity=float(minimum), maximum_over_capacity=float(over))
    rollout = begin(n, strategy, old, data.draw(st.integers(0, old)))
    now = Census(old, 0, 0, 0)
    for _ in range(4 * (n + old) + 1):
        if is_done(rollout, now):
            return
        now = _moved(rollout, now)
    raise AssertionError(f"{rollout} stands still at {now}")


def _moved(rollout: Rollout, now: Census) -> Census:
    """All that dies is gone, all that was started is good; then the rule's next acts."""
    now = Census(now.old, 0, now.new, now.new)
    kills = to_kill(rollout, now)
    now = Census(now.old - kills, kills, now.new, now.new_good)
    return Census(now.old, now.dying, now.new + to_start(rollout, now), now.new_good)


@given(st.integers(1, 5), shares, shares, st.booleans(), st.data())
def test_capacity_stays_within_its_limits_at_every_moment(
    n: int, minimum: Fraction, over: Fraction, checked: bool, data: st.DataObject
) -> None:
    app: dict[str, Any] = {
        **(CHECKED if checked else SLEEPER),
        "instances": n,
        "upgradeStrategy": {"minimumHealthCapacity": float(minimum), "maximumOverCapacity": float(over)},
    }
    world = World()
    world.put(app)
    world.run()
    keep, cap = math.ceil(n * minimum), math.floor(n * (1 + over))
    cap += keep == cap

    def within_limits() -> None:
        found = world.instances()
        assert sum(each.is_active for each in found) <= cap
        assert sum(each.is_good for each in found) >= keep

    world.watch = within_limits
    world.put({**app, "env": {"A": "new"}})
    world.run(choose=lambda count: data.draw(st.integers(0, count - 1)))
    new = world.record().definition
    assert [each.definition for each in world.instances()] == [new] * n
    assert world.told("deployment_success")


@given(st.integers(1, 4), shares, shares, st.data())
def test_deaths_on_the_way_delay_a_rollout_but_do_not_stop_it(
    n: int, minimum: Fraction, over: Fraction, data: st.DataObject
) -> None:
    app: dict[str, Any] = {
        **SLEEPER,
        "instances": n,
        "upgradeStrategy": {"minimumHealthCapacity": float(minimum), "maximumOverCapacity": float(over)},
    }
    world = World()
    world.put(app)
    world.run()
    world.put({**app, "env": {"A": "new"}})
    for _ in range(3):
        active = [each.task_id for each in world.instances() if each.is_active]
        if active:
            world.tell(TaskEnded(data.draw(st.sampled_from(active)), 1, "died"))
    world.run()
    assert len(world.instances()) == n
    assert {each.definition.version for each in world.instances()} == {world.definition().version}


def test_unhealthy_old_tasks_do_not_block_their_own_replacement() -> None:
    app = {**CHECKED, "instances": 2, "upgradeStrategy": {"minimumHealthCapacity": 1, "maximumOverCapacity": 0}}
    world = World()
    world.put(app)
    world.run()
    for each in world.instances():
        world.tell(Probed(each.task_id, 0, "503 Service Unavailable"))
        world.failing[each.task_id] = "503 Service Unavailable"
    world.put({**app, "env": {"A": "mended"}})
    world.run()
    assert all(each.is_good for each in world.instances())


def test_an_unhealthy_old_task_goes_before_a_healthy_one() -> None:
    app = {**CHECKED, "instances": 2, "upgradeStrategy": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0}}
    world = World()
    world.put(app)
    world.run()
    sick, well = world.instances()
    world.tell(Probed(sick.task_id, 0, "no answer"))
    world.failing[sick.task_id] = "no answer"
    world.put({**app, "env": {"A": "new"}})
    world.run()
    killed = [body["taskId"] for body in world.told("status_update_event") if body["taskStatus"] == "TASK_KILLING"]
    assert killed == [sick.task_id, well.task_id]
