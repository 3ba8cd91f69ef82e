"""The stages of a reload one after another, each timed by itself, on a HAProxy of the bench's own."""

import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio

from bench.cluster import BenchApp, Shape
from bench.design import designed
from milepost.errors import MilepostError, ProxyGone
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.check import check
from milepost.proxies.haproxy.config import Desired
from milepost.proxies.haproxy.files import replace_file
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.observe import expected
from milepost.proxies.haproxy.ports import Address, blocked_listens
from milepost.proxies.haproxy.process import Launch, launch, stop
from milepost.proxies.haproxy.reader import read_actual, read_info
from milepost.proxies.haproxy.render import render, render_map
from milepost.proxies.haproxy.runtime import AdminSocket

STAGES = ("probe", "render", "check", "write", "reload", "current", "read_back")
LIMIT_S = 60.0
_POLL_S = 0.002


class Laps:
    """Seconds of each stage: from the end of the one before."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self._since_s = time.perf_counter()

    def end(self, stage: str) -> None:
        now_s = time.perf_counter()
        self.found[stage], self._since_s = now_s - self._since_s, now_s


class Reloading:
    """A HAProxy that reloads as milepost makes it, step by step."""

    def __init__(self, binary: Binary, folder: Path) -> None:
        self._binary, self._config = binary, folder / "haproxy.cfg"
        self._master, self._admin = MasterSocket(folder / "master.sock"), AdminSocket(folder / "admin.sock")
        self._launch = Launch(binary.path, self._config, self._master.path, folder / "haproxy.pid", {})
        self._held: frozenset[Address] = frozenset()

    async def start(self, desired: Desired) -> None:
        self._write(desired, render(desired))
        ran = await launch(self._launch)
        if ran.status:
            raise MilepostError(f"the HAProxy of the bench did not start: {ran.words}")
        await self._until_current(None)
        self._held = _listens(desired)

    async def once(self, desired: Desired) -> dict[str, float]:
        """A reload to `desired`: seconds of each of STAGES."""
        laps = Laps()
        blocked_listens(desired.structure, self._held, only_in_use=False)
        laps.end("probe")
        text = render(desired)
        laps.end("render")
        await self._check(text)
        laps.end("check")
        self._write(desired, text)
        laps.end("write")
        pid = await self._master.reload(LIMIT_S)
        await self._admin.close()
        laps.end("reload")
        await self._until_current(pid)
        laps.end("current")
        await read_actual(self._admin, expected(desired))
        laps.end("read_back")
        self._held = _listens(desired)
        return laps.found

    async def end(self) -> None:
        await self._admin.close()
        with contextlib.suppress(ProxyGone):  # where it did not even start
            await stop((await self._master.processes()).master, 1.0)

    async def _check(self, text: str) -> None:
        candidate = self._config.with_name("candidate")
        replace_file(candidate, text.encode())
        checked = await check(self._binary.path, candidate, text, {}, LIMIT_S)
        candidate.unlink()
        if checked.alerts:
            raise MilepostError(f"HAProxy refuses the configuration of the bench: {checked.words}")

    def _write(self, desired: Desired, text: str) -> None:
        for path in desired.found_maps:
            Path(path).touch()
        for path, entries in desired.maps.items():
            replace_file(Path(path), render_map(entries).encode())
        replace_file(self._config, text.encode())

    async def _until_current(self, pid: int | None) -> None:
        """Wait until the worker `pid` answers; any worker for None."""
        with anyio.fail_after(LIMIT_S):
            while not await self._is_current(pid):
                await anyio.sleep(_POLL_S)

    async def _is_current(self, pid: int | None) -> bool:
        with contextlib.suppress(ProxyGone):
            if (await read_info(self._admin)).pid == pid or pid is None:
                return True
        await self._admin.close()
        return False


def _listens(desired: Desired) -> frozenset[Address]:
    return frozenset(listen for section in desired.structure.sections for listen in section.listens)


async def split(binary: Binary, apps: int, rounds: int, address: str) -> list[dict[str, float]]:
    """Seconds of each stage, of `rounds` reloads that add and take away one app by turns."""
    every = [*Shape(apps).made(), BenchApp(apps)]
    with tempfile.TemporaryDirectory(prefix="milepost-bench-") as name:
        folder = Path(name)
        without, complete = (designed(some, folder, binary, address) for some in (every[:-1], every))
        async with _started(Reloading(binary, folder), without) as reloading:
            return [
                await reloading.once(each) for each in itertools.islice(itertools.cycle((complete, without)), rounds)
            ]


@contextlib.asynccontextmanager
async def _started(reloading: Reloading, desired: Desired) -> AsyncIterator[Reloading]:
    try:
        await reloading.start(desired)
        yield reloading
    finally:
        await reloading.end()
