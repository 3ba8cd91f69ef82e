"""Tasks that start slowly or fail their checks, and a Marathon that is away, because somebody wants to see it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from milepost.local.api.answer import refusal
from milepost.local.apps.refusal import Refused
from milepost.local.control.faults import FaultControl
from milepost.local.outages import Outages
from support.local_server import Api, local_api, until

pytestmark = pytest.mark.anyio

LONG_S = 3600
CHECK = {"protocol": "COMMAND", "command": {"value": "true"}, "intervalSeconds": LONG_S}
APP: dict[str, Any] = {"id": "/web", "cmd": "sleep 1000"}
CHECKED: dict[str, Any] = {**APP, "healthChecks": [CHECK]}


@dataclass
class Faulty:
    """The API as `Outages` lets it answer, and what makes faults."""

    api: Api
    outages: Outages
    control: httpx2.AsyncClient

    async def make(self, kind: str, expect: int = 200, **body: object) -> Any:
        response = await self.control.post(f"/faults/{kind}", json=body)
        assert response.status_code == expect, response.text
        return response.json()

    async def clear(self, of: str | None = None, expect: int = 200) -> Any:
        response = await self.control.delete("/faults", params={"of": of} if of else {})
        assert response.status_code == expect, response.text
        return response.json()

    async def tasks(self) -> Any:
        return (await self.api.call("GET", "/v2/apps/web/tasks"))["tasks"]

    async def alive(self) -> list[bool]:
        """What the latest probe of each task said, those that cannot be asked left out."""
        return [each["alive"] for task in await self.tasks() for each in task["healthCheckResults"]]


@pytest.fixture
async def faulty(tmp_path: Path) -> AsyncIterator[Faulty]:
    async with local_api(tmp_path) as api:
        outages = Outages(api.engine.hub)
        routes = FaultControl(api.engine, outages).routes()
        transport = httpx2.ASGITransport(Starlette(routes=routes, exception_handlers={Refused: refusal}))
        async with httpx2.AsyncClient(transport=transport, base_url="http://local") as control:
            yield Faulty(api, outages, control)


async def test_a_task_that_starts_slowly_is_staged_meanwhile_and_can_be_killed(faulty: Faulty) -> None:
    await faulty.make("slow-start", app="web", seconds=LONG_S)
    await faulty.api.call("POST", "/v2/apps", APP, expect=201)
    (task,) = await faulty.tasks()
    assert task["state"] == "TASK_STAGING"
    await faulty.clear("/web")  # does not help the one that is held back already
    assert (await faulty.tasks())[0]["state"] == "TASK_STAGING"
    await faulty.api.call("DELETE", f"/v2/apps/web/tasks/{task['id']}")
    await until(faulty.tasks, lambda tasks: [each["state"] for each in tasks] == ["TASK_RUNNING"])


async def test_a_task_may_count_as_running_before_it_has_begun(faulty: Faulty) -> None:
    await faulty.make("slow-start", app="/web", seconds=LONG_S, runs=True)
    await faulty.api.call("POST", "/v2/apps", APP, expect=201)
    await faulty.api.deployed()
    (task,) = await faulty.tasks()
    assert task["state"] == "TASK_RUNNING"
    assert faulty.api.runtime.crashed == {}  # nothing runs
    assert faulty.api.engine.crash(task["id"])
    failed = lambda app: app["app"].get("lastTaskFailure", {}).get("taskId") == task["id"]  # noqa: E731  # one use
    await until(lambda: faulty.api.call("GET", "/v2/apps/web"), failed)


async def test_a_start_that_was_slow_ends_like_any_other(faulty: Faulty) -> None:
    await faulty.make("slow-start", app="/web", seconds=0.02)
    await faulty.api.call("POST", "/v2/apps", APP, expect=201)
    await faulty.api.deployed()
    assert list(faulty.api.runtime.crashed) == [(await faulty.tasks())[0]["id"]]


async def test_the_checks_of_an_app_fail_at_once_until_that_is_cleared(faulty: Faulty) -> None:
    await faulty.api.call("POST", "/v2/apps", {**CHECKED, "instances": 2}, expect=201)
    await faulty.api.deployed()
    assert await faulty.alive() == [True, True]
    await faulty.make("unhealthy", of="/web")
    await until(faulty.alive, lambda alive: alive == [False, False])
    (result, *_) = (await faulty.tasks())[0]["healthCheckResults"]
    assert result["lastFailureCause"] == "made to fail on demand"
    assert await faulty.clear() == {"faults": []}
    await until(faulty.alive, lambda alive: alive == [True, True])


async def test_one_task_can_be_made_unhealthy_and_takes_its_fault_with_it(faulty: Faulty) -> None:
    await faulty.api.call("POST", "/v2/apps", {**CHECKED, "instances": 2}, expect=201)
    await faulty.api.deployed()
    task_id = (await faulty.tasks())[0]["id"]
    answer = await faulty.make("unhealthy", of=task_id)
    assert answer == {"faults": [{"fault": "unhealthy", "of": task_id}]}
    await until(faulty.alive, lambda alive: sorted(alive) == [False, True])
    await faulty.api.call("DELETE", f"/v2/apps/web/tasks/{task_id}")
    await until(faulty.alive, lambda alive: alive == [True, True])
    assert (await faulty.control.get("/faults")).json() == {"faults": []}


async def test_an_app_may_be_given_faults_before_it_is_there(faulty: Faulty) -> None:
    await faulty.make("unhealthy", of="/web")
    answer = await faulty.make("slow-start", app="/web", seconds=1.5, runs=True)
    slow = {"fault": "slow-start", "of": "/web", "seconds": 1.5, "meanwhile": "running"}
    assert answer == {"faults": [slow, {"fault": "unhealthy", "of": "/web"}]}
    assert await faulty.clear("/web") == {"faults": []}


@pytest.mark.parametrize(
    ("kind", "body", "status", "said"),
    [
        ("slow-start", {"seconds": 1}, 422, "/app"),
        ("slow-start", {"app": "/Web", "seconds": 1}, 422, "must fully match"),
        ("slow-start", {"app": "/web"}, 422, "/seconds"),
        ("slow-start", {"app": "/web", "seconds": "1"}, 422, "error.expected.jsnumber"),
        ("slow-start", {"app": "/web", "seconds": True}, 422, "error.expected.jsnumber"),
        ("restart", {"seconds": -1}, 422, "between 0 and 3600"),
        ("leader", {"seconds": 3601}, 422, "between 0 and 3600"),
        ("unhealthy", {}, 422, "/of"),
        ("unhealthy", {"of": "web.1"}, 404, "Task 'web.1' does not exist"),
        ("unhealthy", {"of": "/web"}, 409, "no health check"),
    ],
)
async def test_a_fault_that_cannot_be_made_is_refused(
    faulty: Faulty, kind: str, body: dict[str, Any], status: int, said: str
) -> None:
    await faulty.api.call("POST", "/v2/apps", APP, expect=201)
    assert said in str(await faulty.make(kind, status, **body))
    assert (await faulty.control.get("/faults")).json() == {"faults": []}


async def test_what_has_no_fault_cannot_be_cleared_of_it(faulty: Faulty) -> None:
    assert "'/web' has no fault" in (await faulty.clear("/web", expect=404))["message"]


async def test_without_a_leader_streams_are_cut_and_nothing_is_answered_until_there_is_one(faulty: Faulty) -> None:
    async def hello(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    over = httpx2.ASGITransport(faulty.outages.over(hello))
    async with httpx2.AsyncClient(transport=over, base_url="http://local") as client:

        async def statuses() -> list[int]:
            paths = ("/v2/apps", "/ping", "/v2/events", "/v2/leader", "/local/nodes")
            return [(await client.get(path)).status_code for path in paths]

        assert await statuses() == [200] * 5
        with faulty.api.engine.hub.listening(None, lambda: None, light=True) as frames:
            await faulty.make("leader", seconds=LONG_S)
            with pytest.raises(anyio.EndOfStream):
                frames.receive_nowait()
        assert await statuses() == [502, 502, 502, 404, 200]
        assert (await client.get("/v2/leader")).json() == {"message": "There is no leader"}
        await faulty.make("leader", seconds=0)
        assert await statuses() == [200] * 5
