"""The statistics port as marathon-lb's users know it, in real HAProxies, with milepost behind it."""

import csv
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.master import MasterSocket
from support.haproxy import each_haproxy, free_ports
from support.site import site
from support.traffic import fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]

STRANGER = "127.0.59.1"  # all of 127/8 is this machine
GUARDED = ("/_haproxy_getconfig", "/_mlb_signal/hup", "/_mlb_signal/usr1")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="missing capability: root")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ids_of(pid: int | None) -> dict[str, set[str]]:
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {words[0].strip(":"): set(words[1:]) for words in lines if words[0] in ("Uid:", "Gid:")}


async def ask(port: int, path: str, source: str = "127.0.0.1", **headers: str) -> httpx2.Response:
    transport = httpx2.AsyncHTTPTransport(local_address=source, trust_env=False)
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        return await client.get(path, headers=headers)


async def test_every_address_of_marathon_lb_answers_from_what_runs(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        web = at.has(one)
        web["labels"] |= {"HAPROXY_0_VHOST": "a.example"}
        await at.start_until_healthy("--haproxy-stats-port", str(port), "--log-level", "debug")
        page = await ask(port, "/haproxy?stats;csv")
        names = {row["# pxname"] for row in csv.DictReader(page.text.splitlines())}
        assert names == {"stats", f"web_{at.port}", "milepost_to_new", "milepost_endpoints"}
        config = await ask(port, "/_haproxy_getconfig")
        assert (config.status_code, config.text) == (200, at.config.read_text())
        assert (await ask(port, "/_haproxy_getvhostmap")).text == f"a.example web_{at.port}\n"
        assert (await ask(port, "/_haproxy_getappmap")).text == f"/web web_{at.port}\n"
        now = await at.processes()
        assert (await ask(port, "/_haproxy_getpids")).text == f"{now.master} {now.worker}\n"
        assert (await ask(port, "/_haproxy_health_check")).status_code == 200


async def test_signals_have_marathon_read_and_haproxy_reloaded(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with site(binary, tmp_path) as at, fake_tasks(2) as (one, two):
        at.has(one)
        await at.start_until_healthy("--haproxy-stats-port", str(port), "--haproxy-reload-interval-s", "0.1")
        at.has(two)  # and no event tells
        assert (await ask(port, "/_mlb_signal/hup")).text == "Sent SIGHUP signal to marathon-lb"
        await until(lambda: f":{two.port} " in at.config.read_text())
        assert (await get(at.port)).body == str(two.port)
        assert (await at.status())["proxy"]["reloads"] == 0
        assert (await ask(port, "/_mlb_signal/usr1")).text == "Sent SIGUSR1 signal to marathon-lb"
        await until(lambda: bool(at.events("proxy_reloaded")))
        assert (await at.status())["proxy"]["reload_kinds"] == {"asked": 1}
        assert (await get(at.port)).body == str(two.port)


async def test_a_stranger_gets_no_configuration_and_no_signals_and_without_milepost_nobody_does(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with site(binary, tmp_path) as at, fake_tasks(1) as (one,):
        at.has(one)
        milepost = await at.start_until_healthy("--haproxy-stats-port", str(port))
        await at.stop(milepost)
        text = at.config.read_text()
        at.config.write_text(text.replace("127.0.0.0/8", "127.0.0.1/32"))  # so that there are strangers here
        assert at.config.read_text() != text
        await MasterSocket(at.folder / "master.sock").reload(10)
        for path in GUARDED:
            answer = await ask(port, path, STRANGER, **{"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"})
            assert (answer.status_code, answer.headers["content-type"]) == (403, "text/plain")
            assert "stats_trusted" in answer.text
            answer = await ask(port, path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "text/plain")
            assert "milepost does not answer" in answer.text


@as_root
async def test_a_haproxy_that_dropped_root_is_changed_reloaded_and_asked_as_before(
    binary: Binary, open_folder: Path
) -> None:
    (port,) = free_ports(1)
    async with site(binary, open_folder) as at, fake_tasks(2) as (one, two):
        at.has(one)
        await at.start_until_healthy("--haproxy-stats-port", str(port), "--haproxy-user", "nobody")
        now = await at.processes()
        assert ids_of(now.worker) == {"Uid": {"65534"}, "Gid": {"65534"}}
        assert (open_folder / "state" / "stats-port.sock").stat().st_mode & 0o777 == 0o600
        at.has(two)
        at.tell()
        await until(lambda: f":{two.port} " in at.config.read_text())
        assert (await get(at.port)).body == str(two.port)
        assert (await ask(port, "/_mlb_signal/usr1")).status_code == 200
        await until(lambda: bool(at.events("proxy_reloaded")))
        assert (await ask(port, "/_haproxy_getpids")).status_code == 200
        assert (await get(at.port)).body == str(two.port)


@as_root
async def test_a_folder_that_haproxys_user_cannot_enter_is_named_before_anything_starts(
    binary: Binary, open_folder: Path
) -> None:
    async with site(binary, open_folder) as at:
        at.state_dir.mkdir(mode=0o700)
        refused = await at.run("run", "--config", str(at.settings), "--haproxy-user", "nobody")
        assert refused.returncode == 2
        assert f"chmod o+x {at.state_dir}" in " ".join(refused.stderr.split())
