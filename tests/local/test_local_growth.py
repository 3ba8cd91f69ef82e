"""A scheduler that has deployed for long holds no more than one that has done so for a short time."""

from collections.abc import Sized
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from milepost.local.scheduler.saved import VERSIONS_KEPT
from milepost.local.state.store import FILE
from support.local_server import Api, local_api, until

pytestmark = pytest.mark.anyio


async def rounds(api: Api, numbers: range) -> None:
    """In each, an app is changed, and another comes into a group of its own, fails, and goes with its group."""
    for number in numbers:
        group = f"/old-{number}"
        guest = {"id": f"{group}/app", "cmd": "sleep 1000"}
        await api.call("PUT", "/v2/apps", [{"id": "/web", "cmd": "sleep 1000", "env": {"N": str(number)}}, guest])
        await api.deployed()
        await api.call("POST", f"/v2/apps/{group}/app/restart")
        (task, *_) = (await api.app(f"{group}/app"))["tasks"]
        api.runtime.crash(task["id"])
        await api.call("DELETE", f"/v2/groups/{group}?force=true")
        await api.deployed()
    await until(lambda: running(api), lambda found: found == 1)


async def running(api: Api) -> int:
    return len((await api.call("GET", "/v2/tasks"))["tasks"])


def sizes(api: Api) -> dict[str, Any]:
    cluster, engine = api.engine.cluster, api.engine
    held = {each.name: getattr(cluster, each.name) for each in fields(cluster)}
    found = {name: len(value) for name, value in held.items() if isinstance(value, Sized) and name != "version"}
    versions = {record.id: len(record.versions) for record in cluster.records.values()}
    return found | versions | {"tasks": len(engine._tasks), "unhealthy": len(engine.faults.unhealthy)}


async def test_deployments_again_and_again_leave_nothing_behind_in_memory_or_in_the_file(tmp_path: Path) -> None:
    async with local_api(tmp_path) as api:
        await rounds(api, range(VERSIONS_KEPT))  # every history is full now
        before, bytes_before = sizes(api), (tmp_path / FILE).stat().st_size
        await rounds(api, range(1000, 1020))
        assert sizes(api) == before
        assert (tmp_path / FILE).stat().st_size <= bytes_before * 1.2
    assert (before["records"], before["history"], before["/web"]) == (1, VERSIONS_KEPT, VERSIONS_KEPT)
