"""The demo's cluster, milepost and HAProxy, as processes of their own in a folder that vanishes with them."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2

from milepost.demo.places import HOME, NODES, Places
from milepost.demo.process import Child, run_to_end, start
from milepost.errors import MilepostError

CONFIG = """\
state_dir = "{folder}/state"

[[sources.marathon]]
urls = ["{marathon}"]

[routing]
groups = ["external"]

[haproxy]
binary = "{haproxy}"
allow_bundled = true
config = "{folder}/haproxy.cfg"
bind = ["{home}", "{node}"]
http_port = 0
https_port = 0
appid_port = {appid}
stats_port = {stats}

[web]
listen = "{home}:{web}"

[log]
format = "console"
"""


@dataclass(slots=True)
class Stage:
    """The parts that run. `milepost` is replaced when a test kills it and starts it anew."""

    places: Places
    folder: Path
    cluster: Child
    milepost: Child

    @property
    def config(self) -> Path:
        return self.folder / "milepost.toml"

    def start_milepost(self) -> None:
        """Start milepost again, after it was killed."""
        self.milepost = start("milepost", self.folder, "run", "--config", str(self.config), "--stop-proxy")

    async def until_serving(self, deadline_s: float = 20.0) -> None:
        """Wait until milepost says of itself that it has applied a snapshot and its proxy answers."""
        await _until_ok(self.milepost, f"{self.places.web_url}/healthz", deadline_s)


@asynccontextmanager
async def set_up(places: Places, haproxy: str = "haproxy") -> AsyncIterator[Stage]:
    """Start everything and end everything: no process and no file is left, whatever happens in between.

    `haproxy` names the binary; where the system has none of that name, the bundled one is taken.
    """
    places.require_free()
    with tempfile.TemporaryDirectory(prefix="milepost-") as name:
        folder = Path(name)
        (folder / "milepost.toml").write_text(_config(places, folder, haproxy))
        with _ended(folder) as children:
            children.append(_start_cluster(places, folder))
            await _until_ok(children[0], f"{places.marathon_url}/ping")
            stage = Stage(places, folder, children[0], children[0])
            try:
                stage.start_milepost()
                await stage.until_serving()
                yield stage
            finally:
                children.append(stage.milepost)


def _config(places: Places, folder: Path, haproxy: str) -> str:
    return CONFIG.format(
        folder=folder,
        haproxy=haproxy,
        marathon=places.marathon_url,
        home=HOME,
        node=NODES[0],
        appid=places.appid_port,
        stats=places.stats_port,
        web=places.web_port,
    )


def _start_cluster(places: Places, folder: Path) -> Child:
    listen = f"{HOME}:{places.marathon_port}"
    state = str(folder / "cluster")
    options = ("--nodes", str(len(NODES)), "--state", state, "--docker", "off")  # a pull could take minutes, or fail
    return start("cluster", folder, "local", "--listen", listen, *options)


@contextmanager
def _ended(folder: Path) -> Iterator[list[Child]]:
    """A list of children that are all ended after the block, the latest first."""
    children: list[Child] = []
    try:
        yield children
    finally:
        for child in reversed(children):
            child.stop()
        # Should milepost have died without ending its HAProxy, this does it; else it finds nothing to do.
        run_to_end("proxy", "stop", "--config", str(folder / "milepost.toml"))


async def _until_ok(child: Child, url: str, deadline_s: float = 20.0) -> None:
    """Wait until `url` answers 200; MilepostError if `child` ends before, or at the deadline."""
    async with httpx2.AsyncClient(timeout=2.0, trust_env=False) as client:
        with anyio.move_on_after(deadline_s):
            while True:
                child.require_alive()
                try:
                    if (await client.get(url)).status_code == httpx2.codes.OK:
                        return
                except httpx2.TransportError:
                    pass  # not listening yet
                await anyio.sleep(0.05)
    raise MilepostError(f"{child.name} was not ready at {url} within {deadline_s:.0f} s:\n{child.last_words()}")
