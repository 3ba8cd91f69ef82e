"""Deployments over many apps: what comes after what, and how they end before their time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.local.apps.refusal import LOCK_TEXT, Refused
from milepost.local.scheduler import changes
from milepost.local.scheduler.changes import deploy
from milepost.local.scheduler.dependencies import dependency_levels
from milepost.local.scheduler.effects import KillTask, TaskEnded
from support.local_world import SLEEPER, World, definition

LONG = 5000


def app(name: str, *dependencies: str, **more: object) -> dict[str, Any]:
    return {**SLEEPER, "id": name, "dependencies": list(dependencies), **more}


def levels(*documents: dict[str, Any], groups: Any = None) -> dict[str, int]:
    apps = {found.id: found for found in map(definition, documents)}
    found = dependency_levels(apps, apps, groups or {})
    return {app_id: found[app_id] for app_id in apps}


def test_the_level_of_an_app_is_its_longest_chain() -> None:
    found = levels(app("/a", "/b", "/d"), app("/b", "/c"), app("/c", "/d"), app("/d"), app("/e"))
    assert found == {"/a": 3, "/b": 2, "/c": 1, "/d": 0, "/e": 0}


def test_a_chain_may_be_as_long_as_there_are_apps() -> None:
    chain = [app(f"/a{index}", f"/a{index + 1}") for index in range(LONG)]
    assert levels(*chain)["/a0"] == LONG - 1


def test_a_circle_of_any_length_is_refused_with_the_words_of_marathon() -> None:
    circle = [app(f"/a{index}", f"/a{(index + 1) % LONG}") for index in range(LONG)]
    for documents in (circle, [app("/a", "/a")]):
        with pytest.raises(Refused) as refused:
            levels(*documents)
        assert refused.value.status == 422
        assert refused.value.body["details"] == [{"path": "/", "errors": ["Dependency graph has cyclic dependencies."]}]


def test_a_group_stands_for_all_apps_below_it_however_many_need_it() -> None:
    backs, fronts = ([app(f"/{name}/x{index}") for index in range(1000)] for name in ("back/deep", "front"))
    groups = {"/back": (), "/back/deep": (), "/front": ("/back",)}
    found = levels(*backs, *fronts, app("/back/last", "/back/deep/x7"), groups=groups)
    assert {found[each["id"]] for each in backs} == {0}
    assert {found[each["id"]] for each in fronts} == {2}


def test_a_group_without_apps_and_an_app_that_is_not_there_are_no_dependencies() -> None:
    assert levels(app("/front/a", "/gone"), groups={"/front": ("/back",), "/back": ()}) == {"/front/a": 0}


def test_groups_that_need_each_other_are_a_circle() -> None:
    with pytest.raises(Refused, match="not valid"):
        levels(app("/a/x"), app("/b/x"), groups={"/a": ("/b",), "/b": ("/a",)})


@given(st.lists(st.lists(st.integers(0, 11), max_size=3), min_size=12, max_size=12))
def test_every_app_stands_above_all_it_needs_unless_there_is_a_circle(needs: list[list[int]]) -> None:
    documents = [app(f"/a{index}", *(f"/a{each}" for each in found)) for index, found in enumerate(needs)]
    try:
        found = levels(*documents)
    except Refused:
        assert _has_circle(needs)
        return
    assert not _has_circle(needs)
    for index, each in enumerate(needs):
        assert found[f"/a{index}"] == max((found[f"/a{below}"] + 1 for below in each), default=0)


def _has_circle(needs: list[list[int]]) -> bool:
    left = set(range(len(needs)))
    while free := {index for index in left if left.isdisjoint(needs[index])}:
        left -= free
    return bool(left)


def shop(instances: int = 1) -> World:
    """/front depends on the group /back, by its own group."""
    world = World()
    wanted: Any = {each["id"]: definition({**each, "instances": instances}) for each in (FRONT, *BACKS)}
    world.command(deploy, wanted, force=False, groups={"/front": ("/back",), "/back": (), "/back/deep": ()})
    return world


FRONT, BACKS = app("/front/web"), (app("/back/db"), app("/back/deep/cache"))


def order(world: World, status: str) -> list[str]:
    return [body["appId"] for body in world.told("status_update_event") if body["taskStatus"] == status]


def test_groups_are_started_and_scaled_in_the_order_of_their_dependencies() -> None:
    world = shop()
    world.run()
    assert order(world, "TASK_STAGING") == ["/back/db", "/back/deep/cache", "/front/web"]
    for count, status in ((2, "TASK_STAGING"), (1, "TASK_KILLED")):
        world.events.clear()
        world.put(*({**each, "instances": count} for each in (FRONT, *BACKS)))
        world.run()
        assert order(world, status) == ["/back/db", "/back/deep/cache", "/front/web"]


def test_the_steps_of_a_plan_are_written_once_however_many_events_tell_them() -> None:
    world = World()
    world.put(*(app(f"/a{index}", f"/a{index + 1}") for index in range(20)))
    world.run()
    plans = [body["plan"]["steps"] for body in world.told("deployment_info")]
    assert len(plans) == 21
    assert all(each is plans[0] for each in plans)


def test_what_is_deleted_goes_at_once_whatever_depends_on_it() -> None:
    world = shop()
    world.run()
    wanted: Any = dict.fromkeys(("/front/web", "/back/db", "/back/deep/cache"))
    world.command(deploy, wanted, force=False)
    assert len([each for each in world.pending if isinstance(each, KillTask)]) == 3
    world.run()
    assert not world.cluster.records


def test_a_deployment_that_is_stopped_leaves_the_definitions_and_what_it_had_not_begun_is_done_all_the_same() -> None:
    world = shop()
    (deployment,) = world.cluster.deployments.values()
    world.command(changes.stop, deployment)
    assert not world.cluster.deployments
    assert not world.cluster.locks
    world.run()
    assert all(world.instances(each["id"])[0].state == "TASK_RUNNING" for each in (FRONT, *BACKS))
    assert [body["id"] for body in world.told("deployment_failed")] == [deployment.id]


def test_what_a_forced_deployment_takes_no_care_of_is_done_without_a_deployment() -> None:
    world = shop()
    world.put({**BACKS[0], "instances": 2}, force=True)
    world.run()
    assert world.instances("/front/web")[0].state == "TASK_RUNNING"


def test_what_a_deployment_had_not_begun_is_not_begun_by_undoing_it() -> None:
    world = World()
    world.put(app("/base"), app("/web", "/base", instances=3))
    world.run()
    world.put(app("/base", env={"A": "1"}), app("/web", "/base", instances=0))
    (deployment,) = world.cluster.deployments.values()
    world.command(changes.undo, deployment)
    assert world.cluster.locks.keys() == {"/base", "/web"}
    world.tell(TaskEnded(world.instances("/web")[0].task_id, 1))
    assert [each.leaving for each in world.instances("/web")] == [False] * 3
    world.run()
    assert [each.state for each in world.instances("/web")] == ["TASK_RUNNING"] * 3


def test_undoing_a_restart_ends_its_deployment_and_changes_nothing() -> None:
    world = World()
    world.put({**SLEEPER, "instances": 2})
    world.run()
    restart = world.command(changes.restart, world.record(), force=False)
    world.command(changes.undo, world.cluster.deployments[restart.deployment_id])
    assert [body["id"] for body in world.told("deployment_failed")] == [restart.deployment_id]
    world.run()
    assert [each.state for each in world.instances()] == ["TASK_RUNNING"] * 2


def test_undoing_takes_back_only_what_that_deployment_changed() -> None:
    world = World()
    world.put(app("/a"), app("/b"))
    world.run()
    world.put(app("/a", env={"A": "1"}))
    (deployment,) = world.cluster.deployments.values()
    world.put(app("/b", env={"B": "1"}))
    world.command(changes.undo, deployment)
    world.run()
    assert world.definition("/a").env != {"A": "1"}
    assert world.definition("/b").env == {"B": "1"}
    ends = [(event.type, event.body["id"] == deployment.id) for event in world.events if "id" in event.body]
    assert ends.count(("deployment_failed", True)) == 1


def test_a_deployment_that_is_refused_for_a_lock_is_told_with_its_plan() -> None:
    world = World()
    world.put(SLEEPER)
    with pytest.raises(Refused):
        world.put({**SLEEPER, "instances": 2})
    (event,) = [each for each in world.events if each.type == "deployment_failed"]
    assert event.body["reason"] == LOCK_TEXT
    assert event.body["plan"]["steps"] == [{"actions": [{"action": "ScaleApplication", "app": "/web"}]}]
    assert event.trees is not None
    assert event.trees.target.apps["/web"].instances == 2
    assert world.definition().instances == 1


@pytest.mark.parametrize(
    ("there", "wanted", "groups"),
    [
        (["/a"], ["/a/b"], {}),
        (["/a/b"], ["/a"], {}),
        ([], ["/a", "/a/b"], {}),
        (["/a"], [], {"/a": ()}),
        (["/a"], [], {"/a/b/c": ()}),
        ([], ["/a"], {"/a/b": ()}),
    ],
)
def test_an_id_names_an_app_or_a_group(there: list[str], wanted: list[str], groups: Any) -> None:
    world = World()
    world.put(*map(app, there))
    changed: Any = {each: definition(app(each)) for each in wanted}
    with pytest.raises(Refused) as refused:
        world.command(deploy, changed, force=True, groups=groups)
    assert refused.value.body["details"][0]["errors"] == ["Groups and Applications may not have the same identifier."]


def test_an_app_may_take_the_id_of_a_group_that_goes() -> None:
    world = World()
    world.put(app("/a/b"))
    world.run()
    wanted: Any = {"/a/b": None, "/a": definition(app("/a"))}
    world.command(deploy, wanted, force=False, groups={"/a": None})
    world.run()
    assert list(world.cluster.records) == ["/a"]
