"""`milepost zdd` against the local scheduler, with clients that ask all the time: no request fails."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import httpx2
import pytest
from anyio import to_thread

from milepost.proxies.haproxy.binary import Binary
from support.haproxy import BINARIES, each_haproxy, free_ports
from support.local_server import local_server, until
from support.shared import ROOT
from support.site import Site, site
from support.traffic import Clients, clients, get

pytestmark = [pytest.mark.anyio, pytest.mark.system]


@dataclass
class Shop:
    """The example of two colours on a local scheduler, behind a milepost. `port` is where it is served."""

    at: Site
    marathon: httpx2.AsyncClient
    definition: Path
    port: int

    async def zdd(self, *flags: str) -> str:
        """One run to its end; what it told."""
        words = [
            "-m",
            str(self.marathon.base_url),
            "-l",
            f"http://127.0.0.1:{self.at.web_port}",
            "-s",
            "0.1",
            "-w",
            "20",
            "-f",
        ]
        command = [sys.executable, "-m", "milepost", "zdd", *words, "-j", str(self.definition), *flags]
        ran = await to_thread.run_sync(
            partial(subprocess.run, command, capture_output=True, text=True, check=False, timeout=60)
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stderr

    async def instances(self) -> dict[str, int]:
        apps = (await self.marathon.get("/v2/apps")).json()["apps"]
        return {app["id"]: app["instances"] for app in apps}

    async def colour(self) -> str:
        """Who answers now, "" for nobody."""
        try:
            return (await get(self.port)).body.partition("Welcome to /shop-")[2].partition(" ")[0]
        except OSError:
            return ""

    async def serving(self) -> set[str]:
        """The colours to which milepost sends requests."""
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.at.web_port}", trust_env=False) as client:
            table = (await client.get("/v1/routing")).json()
        found = table["endpoints"].get(f"shop_{self.port}", [])
        return {one["task_id"].rpartition("shop-")[2].partition(".")[0] for one in found if not one["is_drained"]}


@asynccontextmanager
async def shop(binary: Binary, folder: Path) -> AsyncIterator[Shop]:
    """With the blue colour deployed and in traffic."""
    port, alternate = free_ports(2)
    text = (ROOT / "examples" / "bluegreen.json").read_text()
    definition = folder / "bluegreen.json"
    definition.write_text(text.replace("10050", str(port)).replace("10051", str(alternate)))
    async with local_server(folder / "local", node_prefix="127.0.63.") as url, site(binary, folder) as at:
        settings = at.settings.read_text()
        at.settings.write_text(settings.replace(at.marathon.url, url))
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as marathon:
            made = Shop(at, marathon, definition, port)
            await made.zdd()
            await at.start_until_healthy()
            await until(made.colour, lambda found: found == "blue")
            yield made


@asynccontextmanager
async def asking(port: int) -> AsyncIterator[Clients]:
    """Clients from before to after the block, none of whose requests may fail."""
    async with clients(port) as seen:
        with anyio.fail_after(20):
            while sum(seen.answers.values()) < 50:
                await anyio.sleep(0.01)
        yield seen
        count = sum(seen.answers.values())
        with anyio.fail_after(20):
            while sum(seen.answers.values()) < count + 50:
                await anyio.sleep(0.01)
    assert seen.failures == []


@each_haproxy
async def test_a_full_swap_under_load_fails_no_request(binary: Binary, tmp_path: Path) -> None:
    async with shop(binary, tmp_path) as at:
        async with asking(at.port) as seen:
            told = await at.zdd()
        assert await at.instances() == {"/shop-green": 2}
        assert await at.serving() == {"green"}
        assert "/shop-blue is deleted" in told
        assert any("shop-green" in body for body in seen.answers)
        assert not at.at.events("removals_held")
        assert not at.at.events("proxy_reloaded")


@pytest.mark.skipif("2.6" not in BINARIES, reason="missing capability: HAProxy 2.6")
async def test_a_hybrid_deployment_is_left_and_taken_back_under_load_without_a_failed_request(tmp_path: Path) -> None:
    async with shop(BINARIES["2.6"], tmp_path) as at:
        async with asking(at.port) as seen:
            await at.zdd("-n", "1")
            assert await at.instances() == {"/shop-blue": 1, "/shop-green": 1}
            await until(at.serving, lambda found: found == {"blue", "green"})
            await at.zdd("--complete-prev")
        assert await at.instances() == {"/shop-blue": 2}
        assert await at.serving() == {"blue"}
        assert any("shop-green" in body for body in seen.answers)
