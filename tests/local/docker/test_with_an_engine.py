"""The whole scheduler with an engine, a fake one, that comes and goes."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.fake_docker import FakeEngine
from support.local_server import local_server, until

pytestmark = [pytest.mark.anyio, pytest.mark.system]

PREFIX = "127.0.67."
WEB = {
    "id": "/web",
    "container": {"type": "DOCKER", "docker": {"image": "web:1"}},
    "backoffSeconds": 0.1,
    "backoffFactor": 1.0,
    "healthChecks": [{"protocol": "COMMAND", "command": {"value": "true"}}],
}


async def test_an_engine_that_goes_costs_its_tasks_only_and_they_run_again_when_it_is_back(tmp_path: Path) -> None:
    engine = FakeEngine(str(tmp_path / "docker.sock"), commands={"true": 0})
    async with engine.answering():
        server = local_server(node_prefix=PREFIX, docker=engine.socket)
        url = await server.__aenter__()
        client = httpx2.AsyncClient(base_url=url, timeout=20.0)

        async def web() -> Any:
            return (await client.get("/v2/apps/web")).json()["app"]

        assert (await client.get("/local/images")).json()["runBy"].startswith("Docker 20.10.24")
        await client.post("/v2/apps", json=WEB)
        before = await until(web, lambda app: app["tasksHealthy"] == 1)
    failed = await until(web, lambda app: "lastTaskFailure" in app)
    assert f"Docker's engine at {engine.socket} does not answer" in failed["lastTaskFailure"]["message"]
    async with engine.answering():
        after = await until(web, lambda app: app["tasksHealthy"] == 1)
        assert after["tasks"][0]["id"] != before["tasks"][0]["id"]
        assert engine.only().body["Labels"]["milepost.task"] == after["tasks"][0]["id"]
        await client.aclose()
        await server.__aexit__(None, None, None)
        assert engine.containers == {}


async def test_an_app_without_an_image_stays_a_process_beside_an_engine(tmp_path: Path) -> None:
    async with (
        FakeEngine(str(tmp_path / "docker.sock")).answering() as engine,
        local_server(node_prefix=PREFIX, docker=engine.socket) as url,
        httpx2.AsyncClient(base_url=url, timeout=20.0) as client,
    ):

        async def plain() -> Any:
            return (await client.get("/v2/apps/plain")).json()["app"]

        await client.post("/v2/apps", json={"id": "/plain", "cmd": "exec sleep 1000"})
        await until(plain, lambda app: app["tasksRunning"] == 1)
        assert engine.containers == {}
