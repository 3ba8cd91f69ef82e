"""What a task that is a process finds around it: its user, its folder with what it fetches, its environment."""

import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from milepost.local.runtimes.account import OURS, account
from milepost.local.runtimes.program import NotRunnable
from support.local_server import local_server, until

OTHER = "nobody"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="missing capability: root")


@asynccontextmanager
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with local_server(None, 1, "127.0.61.") as url, httpx2.AsyncClient(base_url=url, timeout=20.0) as client:
        yield client


async def app_when(client: httpx2.AsyncClient, member: str, **app: Any) -> Any:
    """The app, made and asked for until it has this member and runs or has failed."""
    (await client.post("/v2/apps", json={"id": "/web", **app})).raise_for_status()

    async def read() -> Any:
        return (await client.get("/v2/apps/web")).json()["app"]

    return await until(read, lambda found: found.get(member))


async def output(client: httpx2.AsyncClient, task: str, name: str = "stdout", lines: int = 1) -> list[str]:
    async def read() -> list[str]:
        return (await client.get(f"/local/tasks/{task}/output/{name}")).text.splitlines()

    found: list[str] = await until(read, lambda found: len(found) >= lines)
    return found


def test_the_scheduler_s_own_user_is_no_other() -> None:
    assert account("") == account(pwd.getpwuid(os.geteuid()).pw_name) == OURS


def test_a_user_that_is_not_there_is_named() -> None:
    with pytest.raises(NotRunnable, match="user nobody-here does not exist"):
        account("nobody-here")


def test_only_root_runs_tasks_of_other_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    with pytest.raises(
        NotRunnable, match=f"user {OTHER} is another one than the scheduler's: only a scheduler of root"
    ):
        account(OTHER)


@pytest.mark.anyio
@pytest.mark.system
@as_root
async def test_a_task_and_its_checks_run_as_its_user_in_its_folder_with_its_environment(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("fetched\n")
    script = 'id -un; id -Gn; pwd; echo "$MESOS_SANDBOX"; cat file.txt; echo more >> file.txt; echo bad > /dev/stderr'
    condition = f'test "$(id -un)" = {OTHER} && test -O file.txt && test "$RELEASE$MARATHON_APP_ID" = 1/web'
    check = {"protocol": "COMMAND", "command": {"value": condition}, "maxConsecutiveFailures": 1}
    app = {
        "user": OTHER,
        "cmd": f"{script}; exec sleep 1000",
        "uris": [f"file://{tmp_path}/file.txt"],
        "env": {"RELEASE": "1"},
        "healthChecks": [{**check, "gracePeriodSeconds": 0}],
    }
    async with client() as local:
        found = await app_when(local, "tasksHealthy", **app)
        (task,) = found["tasks"]
        who, groups, folder, sandbox, text = await output(local, task["id"], lines=5)
        assert (who, "root" in groups.split(), text) == (OTHER, False, "fetched")
        assert folder == sandbox
        assert await output(local, task["id"], "stderr") == ["bad"]


@pytest.mark.anyio
@pytest.mark.system
@pytest.mark.parametrize(
    ("app", "message"),
    [
        ({"user": "nobody-here"}, "user nobody-here does not exist on this machine"),
        ({"fetch": [{"uri": "/nowhere/a.tgz"}]}, "fetch of /nowhere/a.tgz failed: No such file or directory"),
        ({"cmd": "exit 3"}, "Command exited with status 3 (output in "),
        ({"cmd": "kill -9 $$"}, "Command terminated with signal Killed"),
    ],
)
async def test_a_task_that_cannot_run_has_failed_with_the_reason(app: dict[str, Any], message: str) -> None:
    async with client() as local:
        found = await app_when(local, "lastTaskFailure", **{"cmd": "sleep 1000", **app})
        assert found["lastTaskFailure"]["state"] == "TASK_FAILED"
        assert found["lastTaskFailure"]["message"].startswith(message)


@pytest.mark.anyio
@pytest.mark.system
async def test_arguments_reach_the_program_as_they_are() -> None:
    argv = ["/bin/sh", "-c", 'printf "%s|" "$@"; echo; exec sleep 1000', "sh", "two words", "$HOME", "*"]
    async with client() as local:
        found = await app_when(local, "tasksRunning", args=argv)
        assert await output(local, found["tasks"][0]["id"]) == ["two words|$HOME|*|"]
