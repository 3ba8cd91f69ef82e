"""Certificates change in real HAProxies without a reload, and no broken file keeps one from serving."""

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from milepost.model.notice import CertificateChanged, ProxyStarted
from milepost.model.routing import RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.proxy import HaproxyProxy
from support.certificates import agreed, certificate_of, fingerprint_of, key_of, pem, shown
from support.haproxy import Stage, each_haproxy, free_ports, keychain, reach, stage, watched

pytestmark = [
    pytest.mark.system,
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="missing capability: openssl, to make a certificate"),
]

A, B, C = "a.example", "b.example", "c.example"
NOTHING = RoutingTable()


@dataclass
class Site:
    """A HAProxy that serves the certificates of a directory at `port`."""

    staged: Stage
    folder: Path
    port: int
    proxy: HaproxyProxy = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A new milepost."""
        copies = self.folder / "copies"
        self.ring = keychain([self.folder / "place"], copies, self.staged.binary)
        profile = Profile(
            admin_socket=str(self.staged.places.admin_socket),
            map_dir=str(self.folder),
            max_files=2_000,
            bind=("127.0.0.1",),
            http_port=0,
            https_port=self.port,
            appid_port=0,
            stats_port=0,
            certificate_list=self.ring.listed.path,
        )
        self.proxy = self.staged.proxy(designer=RunDesigner(profile), keyring=self.ring)

    def put(self, name: str, text: str) -> None:
        (self.folder / "place" / name).write_text(text)

    async def catch_up(self, table: RoutingTable = NOTHING) -> bool:
        """What the loop does after the keyring woke it; whether it took a reload."""
        await self.ring.look()
        return (await reach(self.proxy, table)).reloaded


@asynccontextmanager
async def serving(binary: Binary, folder: Path, **files: str) -> AsyncIterator[Site]:
    (folder / "place").mkdir()
    async with stage(binary, folder) as staged:
        (port,) = free_ports(1)
        site = Site(staged, folder, port)
        for name, text in files.items():
            site.put(name, text)
        await site.catch_up()
        yield site


@each_haproxy
async def test_a_changed_file_is_served_without_a_reload_or_a_failed_handshake(binary: Binary, tmp_path: Path) -> None:
    async with serving(binary, tmp_path, a=pem(A)) as site, anyio.create_task_group() as tasks:
        seen: list[str] = []

        async def keep_shaking() -> None:
            while True:
                seen.append(await shown(site.port))

        tasks.start_soon(keep_shaking)
        worker = await site.staged.worker_pid()
        for text in (pem(B), pem(C), pem(A)):
            site.put("a", text)
            assert not await site.catch_up()
            assert await shown(site.port) == fingerprint_of(text)
        assert await site.staged.worker_pid() == worker
        assert set(seen) <= {fingerprint_of(pem(name)) for name in (A, B, C)}
        assert len(site.staged.told(CertificateChanged)) == 3
        assert "PRIVATE" not in repr(site.staged.notices)
        tasks.cancel_scope.cancel()


@each_haproxy
async def test_a_file_that_comes_or_goes_needs_no_reload_unless_it_is_the_default(
    binary: Binary, tmp_path: Path
) -> None:
    async with serving(binary, tmp_path, a=pem(A)) as site:
        site.put("b", pem(B))
        assert not await site.catch_up()
        assert await shown(site.port, B) == fingerprint_of(pem(B))
        (tmp_path / "place" / "b").unlink()
        assert not await site.catch_up()
        assert await shown(site.port, B) == fingerprint_of(pem(A))
        site.put("b", pem(B))
        (tmp_path / "place" / "a").unlink()
        assert await site.catch_up()
        assert await shown(site.port, A) == fingerprint_of(pem(B))


@each_haproxy
async def test_a_broken_file_keeps_nothing_from_reloading_or_starting(binary: Binary, tmp_path: Path) -> None:
    async with serving(binary, tmp_path, a=pem(A)) as site:
        site.put("a", certificate_of(pem(B)) + key_of(pem(C)))
        assert not await site.catch_up()
        (problem,) = site.proxy.refused
        assert problem.subject == str(tmp_path / "place" / "a")
        assert problem.message.startswith("certificate: inconsistencies between private key and certificate.; ")
        (port,) = free_ports(1)
        assert await site.catch_up(RoutingTable((Service("web_1", "/web", 0, port, "http"),), {"web_1": ()}))
        assert await shown(site.port) == fingerprint_of(pem(A))
        site.put("a", "")
        async with watched(site.proxy, lambda _: None):
            os.kill(await site.staged.worker_pid(), signal.SIGKILL)
            with anyio.fail_after(10):
                while len(site.staged.told(ProxyStarted)) < 2:
                    await anyio.sleep(0.01)
        assert await shown(site.port) == fingerprint_of(pem(A))


@each_haproxy
@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
async def test_a_client_gets_the_protocol_that_it_speaks(binary: Binary, protocol: str, tmp_path: Path) -> None:
    async with serving(binary, tmp_path, a=pem(A)) as site:
        assert await agreed(site.port, protocol) == protocol


@each_haproxy
async def test_the_next_milepost_goes_on_without_a_reload(binary: Binary, tmp_path: Path) -> None:
    async with serving(binary, tmp_path, a=pem(A)) as site:
        worker = await site.staged.worker_pid()
        site.put("a", pem(B))
        site.start()
        assert not await site.catch_up()
        assert await site.staged.worker_pid() == worker
        assert await shown(site.port) == fingerprint_of(pem(B))
