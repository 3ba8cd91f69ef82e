"""What every yardstick needs: a milepost with its HAProxy, as real processes in a folder that vanishes with them."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from milepost.demo.process import Child, run_to_end, start

CONFIG = """\
state_dir = "{folder}/state"

[[sources.marathon]]
urls = ["http://{at.marathon}"]

[routing]
groups = ["external"]

[haproxy]
binary = "{at.haproxy}"
allow_bundled = true
config = "{folder}/haproxy.cfg"
bind = ["{at.balancer}"]
http_port = {at.http_port}
https_port = {at.https_port}
appid_port = 0
stats_port = 0
reload_interval_s = {at.reload_interval_s}
certificates = [{certificates}]

[web]
listen = "{at.web}"

[log]
format = "json"
level = "{at.log_level}"
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything listens: `marathon` and `web` are host:port. `haproxy` names the binary; a port 0 is off.

    Reloads are `reload_interval_s` apart: short here, where many of them are wanted.
    """

    marathon: str
    balancer: str
    web: str
    haproxy: str = "haproxy"
    http_port: int = 0
    https_port: int = 0
    certificate: str = ""
    reload_interval_s: float = 0.1
    log_level: str = "info"

    def config(self, folder: Path) -> str:
        return CONFIG.format(at=self, folder=folder, certificates=f'"{self.certificate}"' if self.certificate else "")


class Milepost:
    """A milepost that can be killed and started anew; its HAProxy goes on meanwhile."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        self.folder, self._web = folder, f"http://{layout.web}"
        self.config = folder / "milepost.toml"
        self.config.write_text(layout.config(folder))
        self._child = self._started()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    def notices(self, event: str) -> list[dict[str, Any]]:
        """What it has logged under this name so far, oldest first."""
        *lines, _ = (self.folder / "milepost.log").read_text(errors="replace").split("\n")
        logged = [json.loads(line) for line in lines if line.startswith("{")]
        return [one for one in logged if one["event"] == event]

    async def until_logged(self, event: str, times: int = 1, deadline_s: float = 120.0) -> dict[str, Any]:
        """Wait until it has logged this so many times; gives the last one."""
        async with asyncio.timeout(deadline_s):
            while len(found := self.notices(event)) < times:
                self.require_alive()
                await asyncio.sleep(0.05)
        return found[-1]

    def require_alive(self) -> None:
        """Raise MilepostError with its last words if it has ended."""
        self._child.require_alive()

    def restart(self) -> None:
        """End it as a crash would, and start it as its supervisor would."""
        self._child.kill()
        self._child = self._started()

    def end(self) -> None:
        """End it, and HAProxy too if that still runs."""
        self._child.stop()
        run_to_end("proxy", "stop", "--config", str(self.config))

    async def until_serving(self, deadline_s: float = 120.0) -> None:
        """Wait until it has applied a snapshot; MilepostError with its last words if it ends before."""
        async with asyncio.timeout(deadline_s):
            while not await self._is_serving():
                self.require_alive()
                await asyncio.sleep(0.05)

    async def status(self) -> Any:
        async with httpx2.AsyncClient(timeout=10.0, trust_env=False) as client:
            return (await client.get(f"{self._web}/v1/status")).json()

    def _started(self) -> Child:
        return start("milepost", self.folder, "run", "--config", str(self.config))

    async def _is_serving(self) -> bool:
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            try:
                return (await client.get(f"{self._web}/healthz")).is_success
            except httpx2.TransportError:
                return False


@contextlib.asynccontextmanager
async def milepost(layout: Layout) -> AsyncIterator[Milepost]:
    """A milepost with its HAProxy, serving; both are ended afterwards."""
    with started(layout) as running:
        await running.until_serving()
        yield running


@contextlib.contextmanager
def started(layout: Layout) -> Iterator[Milepost]:
    """Likewise, but only just started."""
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        running = Milepost(layout, Path(name))
        try:
            yield running
        finally:
            running.end()


def logged_s(notice: Mapping[str, Any]) -> float:
    """When it was logged, in Unix seconds."""
    return datetime.fromisoformat(notice["timestamp"]).timestamp()
