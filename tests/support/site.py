"""A site as an operator has it: a Marathon, a settings file, milepost as a process of its own, a HAProxy."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio import to_thread

from milepost.demo.process import Child, run_to_end, start
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.observe import Processes
from milepost.settings.values import Settings
from support.fake_marathon import App, FakeMarathon, app, task
from support.haproxy import free_ports
from support.shared import ROOT
from support.traffic import FakeTask

SETTINGS = """\
state_dir = "{folder}/state"
[[sources.marathon]]
urls = ["{marathon}"]
[haproxy]
mode = "{mode}"
binary = "{binary}"
allow_bundled = true
config = "{folder}/haproxy.cfg"
admin_socket = "{folder}/admin.sock"
master_socket = "{folder}/master.sock"
environment = ["SITE_NAME"]
bind = ["127.0.0.1"]
http_port = 0
https_port = 0
appid_port = 0
stats_port = 0
[web]
listen = "127.0.0.1:{web_port}"
[log]
format = "json"
"""


def first_config(folder: Path) -> str:
    """The one that we ship for a HAProxy to attach to, with the admin socket of a site in `folder`."""
    shipped = (ROOT / "packaging" / "haproxy-first.cfg").read_text()
    assert str(Settings().admin_socket) in shipped
    return shipped.replace(str(Settings().admin_socket), f"{folder}/admin.sock")


@dataclass
class Site:
    """`port` is the service port of its one app /web."""

    folder: Path
    marathon: FakeMarathon
    binary: Binary
    port: int
    web_port: int
    children: list[Child] = field(default_factory=list)

    @property
    def settings(self) -> Path:
        return self.folder / "milepost.toml"

    @property
    def config(self) -> Path:
        return self.folder / "haproxy.cfg"

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    def start(self, *options: str) -> Child:
        """Start `milepost run`."""
        child = start("milepost", self.folder, "run", "--config", str(self.settings), *options)
        self.children.append(child)
        return child

    async def start_until_healthy(self, *options: str) -> Child:
        child = self.start(*options)
        await self.until_healthy()
        return child

    async def stop(self, child: Child) -> None:
        """SIGTERM, and the wait for its end."""
        await to_thread.run_sync(child.stop)

    async def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`milepost <arguments>` to its end."""
        command = [sys.executable, "-m", "milepost", *arguments]
        return await to_thread.run_sync(
            partial(subprocess.run, command, capture_output=True, text=True, check=False, timeout=30)
        )

    def has(self, *tasks: FakeTask, path: str = "/") -> App:
        """Marathon now says that /web runs as these tasks; its definition changes with `path` only."""
        served = [task(f"web.{one.port}", "127.0.0.1", (one.port,)) for one in tasks]
        ports = [{"containerPort": 80, "hostPort": 0, "servicePort": self.port}]
        check = [{"protocol": "HTTP", "path": path, "portIndex": 0}]
        for one in served:
            one["healthCheckResults"] = [{"alive": True}]
        web = app("/web", served, container={"type": "DOCKER", "portMappings": ports}, healthChecks=check)
        self.marathon.put(web)
        return web

    def tell(self) -> None:
        """Marathon's event about what `has` changed."""
        self.marathon.push("status_update_event", appId="/web", taskId="web.x", taskStatus="TASK_RUNNING")

    async def status(self) -> Any:
        return await self._get("/v1/status")

    async def reconcile(self) -> None:
        """`POST /v1/reconcile`."""
        async with self._client() as client:
            (await client.post("/v1/reconcile")).raise_for_status()

    async def until_healthy(self) -> None:
        """Wait until milepost has applied a snapshot and its HAProxy answers."""
        with anyio.fail_after(20):
            while await self._code("/healthz") != httpx2.codes.OK:
                await anyio.sleep(0.02)

    async def until_unhealthy(self) -> str:
        """Wait until milepost answers that it is not well, and why."""
        with anyio.fail_after(20):
            while await self._code("/healthz") != httpx2.codes.SERVICE_UNAVAILABLE or not self.events("proxy_failed"):
                await anyio.sleep(0.02)
        return await self.health()

    async def health(self) -> str:
        """What milepost says of its health."""
        async with self._client() as client:
            return (await client.get("/healthz")).text

    async def processes(self) -> Processes:
        """Of the running HAProxy."""
        return await MasterSocket(self.folder / "master.sock").ready()

    def events(self, name: str) -> list[dict[str, Any]]:
        """What all mileposts of this site have logged under `name`, the latest last."""
        lines = (self.folder / "milepost.log").read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in found if event["event"] == name]

    async def _get(self, path: str) -> Any:
        async with self._client() as client:
            return (await client.get(path)).json()

    async def _code(self, path: str) -> int:
        try:
            async with self._client() as client:
                return (await client.get(path)).status_code
        except httpx2.TransportError:
            return 0

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.web_port}", timeout=5.0, trust_env=False)


@asynccontextmanager
async def site(binary: Binary, folder: Path, mode: str = "own") -> AsyncIterator[Site]:
    """A place for everything; mileposts and a HAProxy of theirs that still run at the end are ended."""
    port, web_port = free_ports(2)
    async with FakeMarathon() as marathon:
        made = Site(folder, marathon, binary, port, web_port)
        made.settings.write_text(
            SETTINGS.format(folder=folder, marathon=marathon.url, mode=mode, binary=binary.path, web_port=web_port)
        )
        try:
            yield made
        finally:
            with anyio.CancelScope(shield=True):
                for child in made.children:
                    await made.stop(child)
                await to_thread.run_sync(run_to_end, "proxy", "stop", "--config", str(made.settings))


@contextmanager
def unit(at: Site) -> Iterator[subprocess.Popen[bytes]]:
    """HAProxy as its own unit runs it, from the configuration that lies there, else from the first one."""
    if not at.config.exists():
        at.config.write_text(first_config(at.folder))
    command = [str(at.binary.path), "-W", "-f", str(at.config), "-S", f"{at.folder}/master.sock,mode,600"]
    with (at.folder / "haproxy.log").open("ab") as log:
        haproxy = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield haproxy
    finally:
        haproxy.terminate()
        haproxy.wait(10)
