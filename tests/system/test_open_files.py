"""A limit on open files that is too low for the listeners: told before HAProxy would fail on it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from milepost.proxies.haproxy.binary import Binary
from support.fake_marathon import app
from support.haproxy import each_haproxy, free_ports
from support.site import Site, site
from support.traffic import fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]

FILES = 320  # 100 in reserve, 200 for a hundred connections, 20 for listeners


@contextmanager
def limited_milepost(at: Site) -> Iterator[None]:
    """`milepost run` where nothing that it starts may open more than FILES files."""
    command = [sys.executable, "-m", "milepost", "run", "--config", str(at.settings)]
    with (at.folder / "milepost.log").open("ab") as log:
        limited = ["sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh", *command]
        milepost = subprocess.Popen(limited, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        milepost.terminate()
        milepost.wait(15)


def more_ports(at: Site, count: int) -> None:
    """Marathon now has a second app, with so many service ports."""
    ports = [{"containerPort": 80, "hostPort": 0, "servicePort": port} for port in free_ports(count)]
    document: Any = app("/wide", [], container={"type": "DOCKER", "portMappings": ports})
    at.marathon.put(document)
    at.marathon.push("api_post_event", appDefinition={"id": "/wide"})


async def test_listeners_beyond_the_limit_are_refused_by_numbers_and_the_old_ones_serve(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        with limited_milepost(at):
            await at.until_healthy()
            worker = (await at.processes()).worker
            more_ports(at, 19)
            await until(lambda: bool(at.events("proxy_reloaded")), 20)
            served = await at.processes()
            assert served.worker != worker, "twenty still fit"
            more_ports(at, 20)
            await until(lambda: bool(at.events("configuration_refused")), 20)
            (error, *_) = [event["error"] for event in at.events("configuration_refused")]
            assert "HAProxy would need 321 open files (21 listeners" in error
            assert f"may have {FILES}: raise the hard limit" in error
            assert (await at.status())["proxy"]["error"] == error
            assert (await at.processes()).worker == served.worker
            assert (await get(at.port)).body == str(one.port)


async def test_a_start_with_too_many_listeners_says_so_and_starts_nothing(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at:
        more_ports(at, 40)
        with limited_milepost(at):
            await until(lambda: bool(at.events("configuration_refused")), 20)
            assert "HAProxy would need 340 open files (40 listeners" in at.events("configuration_refused")[0]["error"]
            assert not at.events("proxy_started")
            assert not at.config.exists()
