"""Tasks that outlive their scheduler are taken over by the next: none is lost, none is doubled."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio.abc import Process
from msgspec import structs

from milepost.errors import MilepostError
from milepost.local.runtimes.kept import KeptTasks
from milepost.local.runtimes.leader import identity
from milepost.local.scheduler.effects import KillTask, LaunchTask, Survivor
from milepost.local.scheduler.restore import restore
from milepost.local.scheduler.saved import Saved
from support.local_server import until
from support.local_world import SLEEPER, World, definition

TASK_ID = "web.instance-00000000-0000-1000-8000-0000000000aa._app.3"
SERVE = """
import sys
from pathlib import Path
import anyio
from milepost.controller.signals import until_stopped
from milepost.local.server import serve_local
from milepost.observability.logs import set_up_logs
set_up_logs()
tell = lambda url: print(url, flush=True)
state, keeps = Path(sys.argv[1]), sys.argv[2] == "keeps"
serve = lambda: serve_local(
    "127.0.0.1", 0, node_prefix="127.0.66.", state_dir=state, keeps_tasks=keeps, started=tell)
anyio.run(until_stopped, serve)
"""


@asynccontextmanager
async def scheduler(state: Path, keeps: str = "keeps") -> AsyncIterator[tuple[httpx2.AsyncClient, Process]]:
    argv = [sys.executable, "-c", SERVE, str(state), keeps]
    async with await anyio.open_process(argv, stderr=None) as process:
        assert process.stdout
        url = (await process.stdout.receive()).decode().strip()
        async with httpx2.AsyncClient(base_url=url, timeout=20.0) as client:
            try:
                yield client, process
            finally:
                if process.returncode is None:
                    process.kill()


async def running(client: httpx2.AsyncClient, count: int) -> list[str]:
    """The ids of the app's tasks, once so many run and nothing is being deployed."""

    async def read() -> Any:
        return (await client.get("/v2/apps/web")).json()["app"]

    app = await until(read, lambda app: app["tasksRunning"] == len(app["tasks"]) == count and not app["deployments"])
    return sorted(task["id"] for task in app["tasks"])


def starts(file: Path) -> list[int]:
    """The processes that ever ran, one a start."""
    return [int(line) for line in file.read_text().split()]


async def gone(*pids: int) -> None:
    async def alive() -> list[int]:
        return [pid for pid in pids if identity(pid)]

    await until(alive, lambda left: not left)


@pytest.mark.anyio
@pytest.mark.system
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_tasks_outlive_their_scheduler_and_the_next_one_goes_on_with_them(
    tmp_path: Path, how: signal.Signals
) -> None:
    state, log = tmp_path / "state", tmp_path / "starts"
    app = {"id": "/web", "cmd": f"echo $$ >> {log}; exec sleep 1000", "instances": 2}
    async with scheduler(state) as (client, process):
        await client.post("/v2/apps", json=app)
        before = await running(client, 2)
        await until(lambda: anyio.to_thread.run_sync(log.exists), bool)
        process.send_signal(how)
        await process.wait()
    async with scheduler(state) as (client, process):
        assert await running(client, 2) == before
        pids = starts(log)
        assert len(pids) == 2
        assert all(identity(pid) for pid in pids)
        await client.put("/v2/apps/web", json={"instances": 1})
        (left,) = await running(client, 1)
        assert left in before
        await client.delete("/v2/apps/web")
        await gone(*pids)
        await until(lambda: anyio.to_thread.run_sync(lambda: list((state / "kept").iterdir())), lambda left: not left)
        process.send_signal(signal.SIGTERM)
        await process.wait()
    assert list((state / "kept").iterdir()) == []


@pytest.mark.anyio
@pytest.mark.system
async def test_what_ended_meanwhile_is_replaced_and_a_scheduler_that_keeps_nothing_ends_the_rest(
    tmp_path: Path,
) -> None:
    state, log = tmp_path / "state", tmp_path / "starts"
    app = {"id": "/web", "cmd": f"echo $$ >> {log}; exec sleep 1000", "instances": 2}
    async with scheduler(state) as (client, process):
        await client.post("/v2/apps", json=app)
        before = await running(client, 2)
        pids = await until(lambda: anyio.to_thread.run_sync(starts, log), lambda pids: len(pids) == 2)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    os.kill(pids[0], signal.SIGKILL)
    await gone(pids[0])
    async with scheduler(state) as (client, process):
        after = await running(client, 2)
        assert len(set(before) & set(after)) == 1
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with scheduler(state, "ends") as (client, process):
        assert not set(await running(client, 2)) & set(after)
        await gone(*starts(log)[:3])
        process.send_signal(signal.SIGTERM)
        await process.wait()
    assert [path.name for path in state.iterdir()] == ["state.sqlite"]


@pytest.mark.anyio
@pytest.mark.system
@pytest.mark.parametrize("keeps", ["keeps", "ends"])
async def test_a_check_that_hangs_does_not_outlive_a_scheduler_that_was_killed_outright(
    tmp_path: Path, keeps: str
) -> None:
    log = tmp_path / "checks"
    check = {"protocol": "COMMAND", "command": {"value": f"echo $$ >> {log}; exec sleep 1000"}, "timeoutSeconds": 1000}
    async with scheduler(tmp_path / "state", keeps) as (client, process):
        await client.post("/v2/apps", json={"id": "/web", "cmd": "exec sleep 1000", "healthChecks": [check]})
        await until(lambda: anyio.to_thread.run_sync(log.exists), bool)
        pids = await until(lambda: anyio.to_thread.run_sync(starts, log), bool)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await gone(*pids)
    async with scheduler(tmp_path / "state", "ends") as (client, process):
        process.send_signal(signal.SIGTERM)
        await process.wait()


@pytest.mark.anyio
@pytest.mark.system
async def test_what_was_answered_is_there_after_the_scheduler_was_killed_outright(tmp_path: Path) -> None:
    state = tmp_path / "state"
    group = {"id": "/shop", "groups": [{"id": "empty", "dependencies": ["/base"]}]}
    async with scheduler(state) as (client, process):
        await client.post("/v2/groups", json=group)
        answer = await client.post("/v2/apps", json={"id": "/web", "cmd": "exec sleep 1000", "instances": 2})
        process.send_signal(signal.SIGKILL)
        await process.wait()
    created, deployment = answer.json(), answer.headers["marathon-deployment-id"]
    async with scheduler(state) as (client, process):
        under_way = [each["id"] for each in (await client.get("/v2/deployments")).json()]
        assert under_way in ([deployment], [])  # its tasks may be there already
        tasks = await running(client, 2)
        app = (await client.get("/v2/apps/web")).json()["app"]
        assert (app["version"], app["ports"]) == (created["version"], created["ports"])
        assert (await client.get("/v2/groups/shop/empty")).json()["dependencies"] == ["/base"]
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with scheduler(state) as (client, process):
        assert await running(client, 2) == tasks
        assert (await client.get("/v2/deployments")).json() == []
        await client.delete("/v2/apps/web")
        await idle(client)


async def idle(client: httpx2.AsyncClient) -> None:
    """Nothing is being deployed any more."""

    async def read() -> Any:
        return (await client.get("/v2/deployments")).json()

    await until(read, lambda found: found == [])


def survivor(**more: object) -> Survivor:
    app = definition({**SLEEPER, "cpus": 0.5, "ports": [0], **more})
    app = structs.replace(app, version="2020-01-01T00:00:00.000Z")
    return Survivor(TASK_ID, app, "127.0.59.2", (31_005,), 1.0)


def test_a_task_that_still_runs_is_no_new_one_and_takes_what_it_took() -> None:
    world, task = World(), survivor()
    world.command(restore, Saved.of([task.definition]), [task])
    (instance,) = world.instances()
    assert (instance.task_id, instance.ports, instance.staged_at_s) == (TASK_ID, (31_005,), 1.0)
    assert [each.task_id for each in world.effects if isinstance(each, LaunchTask)] == [TASK_ID]
    assert world.cluster.used["127.0.59.2"].cpus == 500
    assert world.cluster.used_ports["127.0.59.2"] == {31_005}
    world.run()
    assert [body["taskStatus"] for body in world.told("status_update_event")] == ["TASK_RUNNING"]


def test_tasks_of_an_older_config_go_on_being_replaced() -> None:
    world, task = World(), survivor()
    newer = structs.replace(task.definition, env={"NEW": "1"}, version="2021-01-01T00:00:00.000Z")
    world.command(restore, Saved.of([newer]), [task])
    assert len(world.cluster.deployments) == 1
    world.run()
    (instance,) = world.instances()
    assert instance.definition == newer
    assert instance.task_id != TASK_ID


def test_tasks_of_an_app_that_was_deleted_end() -> None:
    world = World()
    world.command(restore, Saved(), [survivor()])
    assert [each.task_id for each in world.effects if isinstance(each, KillTask)] == [TASK_ID]
    world.run()
    assert world.instances() == []
    assert world.cluster.records == {}


def launch() -> LaunchTask:
    task = survivor()
    return LaunchTask(task.task_id, task.definition, task.node, task.ports, {})


def test_a_process_of_the_same_number_is_not_taken_for_the_task(tmp_path: Path) -> None:
    kept = KeptTasks(tmp_path / "kept")
    kept.note(launch(), os.getpid())
    assert [each.task_id for each in KeptTasks(tmp_path / "kept").find(tmp_path / "tasks")] == [TASK_ID]
    file = tmp_path / "kept" / f"{TASK_ID}.json"
    file.write_text(file.read_text().replace(identity(os.getpid()) or "", "another boot 1"))
    assert KeptTasks(tmp_path / "kept").find(tmp_path / "tasks") == []
    assert not file.exists()


def test_a_kept_task_that_ends_just_when_it_is_to_be_ended_is_no_problem(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        KeptTasks(tmp_path / "kept").note(launch(), process.pid)
        kept = KeptTasks(tmp_path / "kept")
        assert len(kept.find(tmp_path / "tasks")) == 1
        process.kill()
    kept.end()
    assert not (tmp_path / "kept").exists()


def test_a_kept_task_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    kept = KeptTasks(tmp_path)
    (tmp_path / "web.json").write_text("{")
    with pytest.raises(MilepostError, match=r"web\.json cannot be read, nothing was started"):
        kept.find(tmp_path / "tasks")
