"""After a restart everything is as it was: apps, versions, groups, deployments, delays."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from milepost.errors import MilepostError
from milepost.local.scheduler import changes
from milepost.local.scheduler.cluster import Instance
from milepost.local.scheduler.effects import KillTask, LaunchTask, Save, Survivor, TaskEnded, WakeAt
from milepost.local.scheduler.restore import restore
from milepost.local.server import serve_local
from milepost.local.state import database
from milepost.local.state.store import FILE, opened
from support.local_server import local_api
from support.local_world import SLEEPER, World

WEB: dict[str, Any] = {**SLEEPER, "instances": 2}
SHOP: dict[str, Any] = {
    "id": "/shop",
    "apps": [{"id": "web", "cmd": "sleep 1000", "dependencies": ["/shop/db"]}, {"id": "db", "cmd": "sleep 1000"}],
    "groups": [{"id": "empty", "dependencies": ["/shop/db"]}],
}


def survivors(world: World) -> list[Survivor]:
    def survivor(each: Instance) -> Survivor:
        return Survivor(each.task_id, each.definition, each.node, each.ports, each.staged_at_s)

    found = (each for record in world.cluster.records.values() for each in record.instances.values())
    return [survivor(each) for each in found if each.is_active]


def restarted(world: World, folder: Path, *, keeps_tasks: bool = True) -> World:
    """The next scheduler, a second later."""
    with opened(folder) as store:
        store.save([each for each in world.effects if isinstance(each, Save)])
    after = World(seed=1)
    after.now_s = world.now_s + 1
    with opened(folder) as store:
        after.command(restore, store.load(), survivors(world) if keeps_tasks else [])
    return after


def half_way() -> World:
    """One task of two is replaced."""
    world = World()
    world.put(WEB)
    world.run()
    world.put({**WEB, "env": {"NEW": "1"}, "upgradeStrategy": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0}})
    for kind in (KillTask, LaunchTask):
        world.happen(next(each for each in world.pending if isinstance(each, kind)))
    return world


@pytest.mark.parametrize("keeps_tasks", [True, False])
def test_a_deployment_goes_on_under_its_id(tmp_path: Path, *, keeps_tasks: bool) -> None:
    world = half_way()
    (deployment,) = world.cluster.deployments.values()
    after = restarted(world, tmp_path, keeps_tasks=keeps_tasks)
    (found,) = after.cluster.deployments.values()
    assert (found.id, found.version, found.steps, found.current) == (
        deployment.id,
        deployment.version,
        deployment.steps,
        deployment.current,
    )
    assert (found.before, found.trees) == (deployment.before, deployment.trees)
    after.run()
    assert [each.definition for each in after.instances()] == [world.definition()] * 2
    assert [body["id"] for body in after.told("deployment_success")] == [deployment.id]
    assert restarted(after, tmp_path).cluster.deployments == {}


def test_a_restart_within_a_rolling_restart_ends_no_task_too_many(tmp_path: Path) -> None:
    after = restarted(half_way(), tmp_path)
    assert len([each for each in after.instances() if not each.leaving]) == 2
    assert [each for each in after.pending if isinstance(each, KillTask)] == []


def test_a_deployment_of_before_a_restart_can_be_undone(tmp_path: Path) -> None:
    world = half_way()
    (before,) = next(iter(world.cluster.deployments.values())).before.values()
    assert before
    after = restarted(world, tmp_path)
    after.command(changes.undo, next(iter(after.cluster.deployments.values())))
    after.run()
    assert {each.definition.env for each in after.instances()} == {before.env}


def test_what_waits_for_its_step_stays_what_it_was(tmp_path: Path) -> None:
    world = World()
    world.put({**SLEEPER, "id": "/db"}, {**SLEEPER, "dependencies": ["/db"]})
    world.run()
    old = world.definition()
    world.put({**SLEEPER, "id": "/db", "env": {"N": "1"}}, {**SLEEPER, "dependencies": ["/db"], "env": {"N": "1"}})
    after = restarted(world, tmp_path, keeps_tasks=False)
    assert [each.definition for each in after.instances()] == [old]
    after.run()
    assert [each.definition for each in after.instances()] == [world.definition()]


def test_an_app_that_was_being_deleted_goes_with_its_tasks(tmp_path: Path) -> None:
    world = World()
    world.put(WEB)
    world.run()
    change = world.delete("/web")
    after = restarted(world, tmp_path)
    assert list(after.cluster.deployments) == [change.deployment_id]
    after.run()
    assert (after.cluster.records, after.cluster.locks) == ({}, {})


def test_a_failing_app_is_launched_no_earlier_for_a_restart(tmp_path: Path) -> None:
    world = World()
    world.put({**SLEEPER, "backoffSeconds": 60})
    world.run()
    world.tell(TaskEnded(world.instances()[0].task_id, 1, "it broke"))
    due = [each for each in world.pending if isinstance(each, WakeAt)]
    after = restarted(world, tmp_path)
    assert after.pending == due
    assert after.record().last_failure == world.record().last_failure
    after.command(changes.reset_delay, after.record())
    assert [type(each) for each in restarted(after, tmp_path).pending] == [LaunchTask]


def test_what_went_wrong_with_an_app_is_forgotten_with_it(tmp_path: Path) -> None:
    world = World()
    world.put(SLEEPER)
    world.run()
    world.tell(TaskEnded(world.instances()[0].task_id, 1, "it broke"))
    world.delete("/web")
    world.run()
    world.put(SLEEPER)
    world.run()
    assert restarted(world, tmp_path).record().last_failure is None


@pytest.mark.anyio
async def test_apps_and_groups_are_there_with_their_versions(tmp_path: Path) -> None:
    paths = [
        "/v2/groups?embed=group.groups&embed=group.apps",
        "/v2/groups/versions",
        "/v2/apps/shop/web/versions",
        "/v2/apps/shop/web",
        "/v2/info",
    ]
    async with local_api(tmp_path) as api:
        await api.call("POST", "/v2/groups", SHOP, expect=201)
        await api.deployed()
        first = (await api.app("shop/web"))["version"]
        await api.call("PUT", "/v2/apps/shop/web", {"cmd": "sleep 2000", "instances": 2})
        await api.deployed()
        before = [await api.call("GET", path) for path in paths]
    async with local_api(tmp_path) as api:
        await api.deployed()
        after = [await api.call("GET", path) for path in paths]
        for found in (before, after):
            found[0]["groups"][0]["apps"].sort(key=lambda app: app["id"])
            for changing in ("tasks", "tasksRunning", "tasksStaged"):
                found[3]["app"].pop(changing)
        assert after == before
        await api.call("PUT", "/v2/apps/shop/web", {"version": first})
        await api.deployed()
        app = await api.app("shop/web")
        assert (app["cmd"], app["instances"]) == ("sleep 1000", 1)


@pytest.mark.anyio
async def test_a_change_that_cannot_be_kept_is_answered_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_S", 0.0)
    async with local_api(tmp_path) as api:
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = await api.call("POST", "/v2/apps", {"id": "/web", "cmd": "sleep 1000"}, expect=500)
            assert "state.sqlite cannot be written. What was asked for is under way" in answer["message"]
            await api.deployed()
            other.execute("ROLLBACK")
        await api.call("POST", "/v2/apps", {"id": "/other", "cmd": "sleep 1000"}, expect=201)
    async with local_api(tmp_path) as api:
        assert [app["id"] for app in (await api.call("GET", "/v2/apps"))["apps"]] == ["/other", "/web"]


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(MilepostError, match="state cannot be used for the state, nothing was started: File exists"):
        await serve_local("127.0.0.1", 0, state_dir=tmp_path / "state")


@pytest.mark.anyio
async def test_a_group_goes_back_to_a_version_from_before_a_restart(tmp_path: Path) -> None:
    async with local_api(tmp_path) as api:
        change = await api.call("POST", "/v2/groups", SHOP, expect=201)
        await api.deployed()
        await api.call("PUT", "/v2/groups/shop", {"apps": [], "groups": []})
        await api.deployed()
    async with local_api(tmp_path) as api:
        assert (await api.call("GET", "/v2/groups/shop"))["groups"] == []
        await api.call("PUT", "/v2/groups/shop", {"version": change["version"]})
        await api.deployed()
        group = await api.call("GET", "/v2/groups/shop")
        assert [app["id"] for app in group["apps"]] == ["/shop/db", "/shop/web"]
        assert [(each["id"], each["dependencies"]) for each in group["groups"]] == [("/shop/empty", ["/shop/db"])]
