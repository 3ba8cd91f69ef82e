"""HAProxy's log on the way to standard output: whole lines, from several workers, and nothing else to anybody."""

import os
from pathlib import Path

import anyio
import pytest

from milepost.errors import MilepostError
from milepost.observability.haproxy_log import serve_log
from milepost.proxies.haproxy.binary import Binary
from support.haproxy import each_haproxy
from support.site import site
from support.traffic import fake_tasks, get
from support.waiting import until

pytestmark = pytest.mark.anyio


async def test_lines_come_whole_whoever_sends_them_in_whatever_pieces(tmp_path: Path) -> None:
    written: list[bytes] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_log, tmp_path / "log.sock", os.geteuid(), written.append)
        await until((tmp_path / "log.sock").exists)
        async with (
            await anyio.connect_unix(tmp_path / "log.sock") as old,
            await anyio.connect_unix(tmp_path / "log.sock") as new,
        ):
            await old.send(b"one\ntw")
            await until(lambda: b"one\n" in written)
            await new.send(b"three\n")
            await until(lambda: b"three\n" in written)
            await old.send(b"o\n")
            await until(lambda: b"two\n" in written)
        tasks.cancel_scope.cancel()


async def test_a_place_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    with pytest.raises(MilepostError, match=r"cannot listen at .*/nowhere/log.sock: No such file"):
        await serve_log(tmp_path / "nowhere" / "log.sock", os.geteuid())


@each_haproxy
@pytest.mark.system
async def test_each_request_is_a_line_on_standard_output_also_after_a_restart_of_milepost(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)

        def logged(path: str) -> list[str]:
            lines = (at.folder / "milepost.log").read_text().splitlines()
            return [line for line in lines if f'"GET {path} HTTP/1.1"' in line]

        milepost = await at.start_until_healthy("--haproxy-log", "stdout")
        await get(at.port, path="/first")
        await until(lambda: bool(logged("/first")))
        assert f" web_{at.port} web_{at.port}/" in logged("/first")[0]
        await at.stop(milepost)
        await get(at.port, path="/meanwhile")
        await at.start_until_healthy("--haproxy-log", "stdout")
        await get(at.port, path="/last")
        await until(lambda: bool(logged("/last")))
