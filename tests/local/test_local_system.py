"""The local scheduler with real processes on loopback addresses."""

import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from milepost.errors import MilepostError
from milepost.local.server import serve_local
from support.local_server import local_server, until
from support.shared import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.system]

PREFIX = "127.0.61."
HTTP_SERVER = f"exec {sys.executable} -m http.server $PORT0 --bind $HOST"
QUICK_CHECK = {"gracePeriodSeconds": 30, "intervalSeconds": 1, "timeoutSeconds": 5}


class Cluster:
    """A client of a running scheduler."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def post(self, app: dict[str, Any]) -> None:
        response = await self.client.post("/v2/apps", json=app)
        assert response.status_code == 201, response.text

    async def app(self, app_id: str) -> Any:
        return (await self.client.get(f"/v2/apps/{app_id}")).json()["app"]

    async def deployed(self, app_id: str) -> list[Any]:
        """The tasks, once no deployment is under way and all are there."""
        app = await until(
            lambda: self.app(app_id), lambda app: not app["deployments"] and app["tasksRunning"] == app["instances"]
        )
        return list(app["tasks"])


@asynccontextmanager
async def cluster(state_dir: Path | None = None, nodes: int = 3) -> AsyncIterator[Cluster]:
    async with local_server(state_dir, nodes, PREFIX) as url, httpx2.AsyncClient(base_url=url, timeout=20.0) as client:
        yield Cluster(client)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until_written(path: Path) -> int:
    """The number in a file, once there is one."""

    async def read() -> str:
        return await anyio.Path(path).read_text() if await anyio.Path(path).exists() else ""

    return int(await until(read, lambda text: text.strip() != ""))


async def until_dead(*pids: int) -> None:
    async def living() -> list[int]:
        return [pid for pid in pids if is_alive(pid)]

    await until(living, lambda pids: not pids)


async def test_the_tutorials_nginx_answers_on_a_node_and_says_what_runs_it() -> None:
    async with cluster() as local:
        await local.post(json.loads((ROOT / "examples/nginx2.json").read_text()))
        (task,) = await local.deployed("nginx2")
        assert task["host"] in (f"{PREFIX}2", f"{PREFIX}3")
        assert task["healthCheckResults"][0]["alive"] is True
        page = (await local.client.get(f"http://{task['host']}:{task['ports'][0]}/")).text
        for said in ("/nginx2", "nginx:1.10", task["host"], str(task["ports"][0]), task["id"]):
            assert said in page


async def test_a_killed_nginx_finishes_the_request_under_way() -> None:
    async with cluster(nodes=1) as local:
        await local.post({**json.loads((ROOT / "examples/nginx1.json").read_text()), "taskKillGracePeriodSeconds": 10})
        (task,) = await local.deployed("nginx1")
        async with await anyio.connect_tcp(task["host"], task["ports"][0]) as connection:
            await connection.send(b"GET / HTTP/1.1\r\n")
            await local.client.delete("/v2/apps/nginx1")
            # it takes no new connection once the signal has reached it
            await until(lambda: connects(task["host"], task["ports"][0]), lambda connected: not connected)
            await connection.send(b"Host: a\r\n\r\n")
            assert (await connection.receive()).startswith(b"HTTP/1.1 200 OK")


async def connects(host: str, port: int) -> bool:
    try:
        async with await anyio.connect_tcp(host, port):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    "check",
    [
        {"protocol": "HTTP", "path": "/"},
        {"protocol": "TCP"},
        {"protocol": "MESOS_HTTP", "path": "/"},
        {"protocol": "COMMAND", "command": {"value": 'test "$PORT" -gt 0 && test -e stdout'}},
    ],
)
async def test_each_kind_of_check_finds_a_healthy_task(check: dict[str, Any]) -> None:
    async with cluster(nodes=1) as local:
        await local.post({"id": "/web", "cmd": HTTP_SERVER, "healthChecks": [{**QUICK_CHECK, **check}]})
        (task,) = await local.deployed("web")
        assert task["healthCheckResults"][0]["alive"] is True


@pytest.mark.parametrize(
    "check",
    [
        {"protocol": "HTTP", "path": "/missing"},
        {"protocol": "COMMAND", "command": {"value": "false"}},
    ],
)
async def test_a_task_that_fails_its_check_is_killed_and_replaced(check: dict[str, Any]) -> None:
    failing = {**QUICK_CHECK, "gracePeriodSeconds": 0, "maxConsecutiveFailures": 1, **check}
    async with cluster(nodes=1) as local:
        await local.post({"id": "/web", "cmd": HTTP_SERVER, "healthChecks": [failing]})
        app = await until(lambda: local.app("web"), lambda app: "lastTaskFailure" in app)
        assert app["lastTaskFailure"]["message"].startswith("Task was killed since health check failed.")


async def test_a_task_that_ends_is_replaced_and_tells_why(tmp_path: Path) -> None:
    script = f"test -e {tmp_path}/second && exec sleep 1000; touch {tmp_path}/second; echo lost >&2; exit 3"
    async with cluster(nodes=1) as local:
        await local.post({"id": "/web", "cmd": script, "backoffSeconds": 0})
        app = await until(lambda: local.app("web"), lambda app: "lastTaskFailure" in app and app["tasksRunning"] == 1)
        message = app["lastTaskFailure"]["message"]
        assert message.startswith("Command exited with status 3 (output in ")
        sandbox = anyio.Path(message.partition("output in ")[2].rstrip(")"))
        assert await (sandbox / "stderr").read_text() == "lost\n"


async def test_a_task_that_ignores_the_signal_is_killed_after_its_grace_period_with_all_its_children(
    tmp_path: Path,
) -> None:
    script = f"trap '' TERM; sleep 1000 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/parent; wait; sleep 1000"
    async with cluster(nodes=1) as local:
        await local.post({"id": "/web", "cmd": script, "taskKillGracePeriodSeconds": 0.2})
        await local.deployed("web")
        pids = await until_written(tmp_path / "child"), await until_written(tmp_path / "parent")
        await local.client.delete("/v2/apps/web")
        await until_dead(*pids)


async def test_an_image_outside_the_catalogue_fails_with_advice_and_runs_with_a_cmd() -> None:
    image = {"type": "DOCKER", "docker": {"image": "redis:7"}}
    async with cluster(nodes=1) as local:
        await local.post({"id": "/redis", "container": image})
        app = await until(lambda: local.app("redis"), lambda app: "lastTaskFailure" in app)
        assert app["lastTaskFailure"]["state"] == "TASK_FAILED"
        assert "image redis:7 is not in the local catalogue" in app["lastTaskFailure"]["message"]
        await local.post({"id": "/own", "container": image, "cmd": "sleep 1000"})
        assert len(await local.deployed("own")) == 1


async def test_leaving_ends_every_task_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with cluster(nodes=1) as local:
        await local.post({"id": "/web", "cmd": "echo $$ > pid; exec sleep 1000"})
        await local.deployed("web")
        (pid_file,) = await until(lambda: found(tmp_path, "milepost-local-*/tasks/*/pid"), bool)
        pid = await until_written(pid_file)
        assert is_alive(pid)
    assert not is_alive(pid)
    assert await found(tmp_path, "*") == []


async def found(folder: Path, pattern: str) -> list[Path]:
    return [Path(path) async for path in anyio.Path(folder).glob(pattern)]


SERVE = """
import anyio
from milepost.local.server import serve_local
from milepost.observability.logs import set_up_logs
set_up_logs()  # to stderr: the URL is all that stands on stdout
anyio.run(lambda: serve_local("127.0.0.1", 0, node_prefix="127.0.61.", started=lambda url: print(url, flush=True)))
"""


async def test_tasks_and_files_go_even_if_the_scheduler_is_killed_outright(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    async with await anyio.open_process([sys.executable, "-c", SERVE], env=environment, stderr=None) as server:
        assert server.stdout
        url = (await server.stdout.receive()).decode().strip()
        async with httpx2.AsyncClient(base_url=url) as client:
            script = "sleep 1000 & echo $! > child.pid; echo $$ > parent.pid; wait"
            await client.post("/v2/apps", json={"id": "/web", "cmd": script})
            files = await until(lambda: found(tmp_path, "*/tasks/*/*.pid"), lambda files: len(files) == 2)
            pids = [await until_written(path) for path in files]
        server.send_signal(signal.SIGKILL)
        await server.wait()
    await until_dead(*pids)
    await until(lambda: found(tmp_path, "*"), lambda left: left == [])


async def test_apps_come_back_after_a_restart(tmp_path: Path) -> None:
    async with cluster(tmp_path, nodes=1) as local:
        await local.post({"id": "/shop/web", "cmd": "sleep 1000", "labels": {"a": "b"}})
        await local.post({"id": "/gone", "cmd": "sleep 1000"})
        await local.client.delete("/v2/apps/gone")
        before = await local.app("shop/web")
    assert await found(tmp_path, "*") == [tmp_path / "state.sqlite"]
    async with cluster(tmp_path, nodes=1) as local:
        (task,) = await local.deployed("shop/web")
        assert task["version"] == before["version"]
        assert (await local.app("shop/web"))["ports"] == before["ports"]
        assert (await local.client.get("/v2/apps/gone")).status_code == 404


async def test_a_saved_app_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "%2Fweb.json").write_text("{")
    with pytest.raises(MilepostError, match=r"%2Fweb\.json cannot be read, no app was started"):
        await serve_local("127.0.0.1", 0, state_dir=tmp_path)


async def test_a_folder_serves_one_scheduler_at_a_time(tmp_path: Path) -> None:
    async with cluster(tmp_path, nodes=1):
        with pytest.raises(MilepostError, match="in use by another local scheduler"):
            await serve_local("127.0.0.1", 0, state_dir=tmp_path)


async def test_an_address_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MilepostError, match=f"cannot listen on 127.0.0.1:{port}: it is in use"):
            await serve_local("127.0.0.1", port)


async def test_a_port_in_other_hands_is_passed_over() -> None:
    async with cluster(nodes=1) as local:
        with socket.create_server((f"{PREFIX}1", 0)) as taken:
            port = taken.getsockname()[1]
            asked = [{"port": port}, {"port": 0}]
            await local.post({"id": "/web", "cmd": "sleep 1000", "requirePorts": True, "portDefinitions": asked})
            app = await until(lambda: local.app("web"), lambda app: "lastTaskFailure" in app)
            assert app["lastTaskFailure"]["message"] == f"port {port} on {PREFIX}1 is in use by another program"


async def test_a_deployment_waits_for_a_real_task_to_be_ready(tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    check = {"portName": "http", "path": "/ready", "intervalSeconds": 1, "timeoutSeconds": 0.9}
    app = {
        "id": "/web",
        "cmd": f"cd {served} && {HTTP_SERVER}",
        "portDefinitions": [{"port": 0, "name": "http"}],
        "readinessChecks": [{**check, "preserveLastResponse": True}],
    }
    async with cluster() as found:
        await found.post(app)

        async def heard() -> Any:
            (deployment,) = (await found.client.get("/v2/deployments")).json()
            return [
                each.get("lastResponse", {}).get("status")
                for each in deployment["currentActions"][0]["readinessCheckResults"]
            ]

        await until(heard, lambda statuses: statuses == [404])
        (served / "ready").touch()
        (task,) = await found.deployed("web")
        assert task["state"] == "TASK_RUNNING"


async def test_a_port_that_another_program_holds_is_waited_for(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((f"{PREFIX}1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with cluster(nodes=1) as found:
            app = {"id": "/web", "cmd": "sleep 1000", "requirePorts": True, "portDefinitions": [{"port": port}]}
            await found.post(app)

            async def waiting() -> Any:
                queue = (await found.client.get("/v2/queue?embed=lastUnusedOffers")).json()["queue"]
                return [offer["reason"] for each in queue for offer in each["lastUnusedOffers"]]

            await until(waiting, lambda reasons: reasons == [["InsufficientPorts"]])
            failure = (await found.app("web"))["lastTaskFailure"]
            assert failure["message"] == f"port {port} on {PREFIX}1 is in use by another program"
