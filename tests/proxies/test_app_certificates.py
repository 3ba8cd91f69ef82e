"""A service's own listener speaks TLS by the file that its owner names, in real HAProxies, and as its owner says."""

import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest
from anyio.streams.tls import TLSStream

from milepost.model.notice import ProxyStarted
from milepost.model.routing import Binding, Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.render import render
from milepost.routing.bind_options import FLAGS, WITH_VALUE, read_bind_options
from support.certificates import certificate_of, fingerprint_of, pem, shown
from support.haproxy import Stage, each_haproxy, free_ports, keychain, reach, stage, watched
from support.requests import Request, echo
from support.traffic import get

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="missing capability: openssl, to make a certificate"),
]

A, B = "a.example", "b.example"
PROXIED = b"PROXY TCP4 192.0.2.7 192.0.2.1 1000 443\r\n"


@dataclass
class Site:
    """A HAProxy before one task: /web has a listener that speaks TLS by `file`, /plain one that does not."""

    staged: Stage
    file: Path
    task: int
    web: Service
    plain: Service

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A new milepost."""
        copies = self.file.parent / "state" / "copies"
        self.ring = keychain((), copies, self.staged.binary)
        socket, folder = str(self.staged.places.admin_socket), str(self.file.parent)
        profile = Profile(socket, folder, 2_000, ("127.0.0.1",), 0, 0, 0, 0, app_certificates=str(copies / "apps"))
        self.proxy = self.staged.proxy(designer=RunDesigner(profile), keyring=self.ring)

    @property
    def table(self) -> RoutingTable:
        pool = (Endpoint("t", "127.0.0.1", "127.0.0.1", self.task),)
        return RoutingTable((self.plain, self.web), {"web_1": pool, "plain_1": pool})

    async def catch_up(self) -> bool:
        """What the loop does: it goes by the table, and once more when the files in it were read. Tells of a reload."""
        first = await reach(self.proxy, self.table)
        await self.ring.look()
        return (await reach(self.proxy, self.table)).reloaded or first.reloaded

    async def tls_get(self) -> int:
        return (await Request(A, tls=True).to(self.web.port)).status


@asynccontextmanager
async def site(binary: Binary, folder: Path, options: str = "", mode: str = "http") -> AsyncIterator[Site]:
    (folder / "state").mkdir()
    web_port, plain_port = free_ports(2)
    file = folder / "web.pem"
    web = Service("web_1", "/web", 0, web_port, mode, binding=Binding(str(file), options))
    async with stage(binary, folder) as staged, echo() as task:
        yield Site(staged, file, task, web, Service("plain_1", "/plain", 0, plain_port, "http"))


@each_haproxy
@pytest.mark.anyio
async def test_a_file_that_is_not_there_or_broken_keeps_its_own_port_closed_only(
    binary: Binary, tmp_path: Path
) -> None:
    async with site(binary, tmp_path) as at:
        await at.catch_up()
        assert (await get(at.plain.port)).status == 200
        with pytest.raises(OSError, match="All connection attempts failed"):
            await anyio.connect_tcp("127.0.0.1", at.web.port)
        (problem,) = at.proxy.refused
        assert (problem.app_id, problem.subject) == ("/web", str(at.file))
        assert "cannot be read: No such file or directory" in problem.message
        at.file.write_text(certificate_of(pem(A)))
        await at.catch_up()
        assert "holds no whole private key" in at.proxy.refused[0].message
        at.file.write_text(pem(A))
        assert await at.catch_up()
        assert await at.tls_get() == 200
        assert not at.proxy.refused


@each_haproxy
@pytest.mark.anyio
async def test_a_new_content_is_served_without_a_reload_and_a_lost_file_goes_on(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at:
        at.file.write_text(pem(A))
        await at.catch_up()
        worker = await at.staged.worker_pid()
        at.file.write_text(pem(B))
        assert not await at.catch_up()
        assert await shown(at.web.port) == fingerprint_of(pem(B))
        await at.proxy.save(at.proxy.desired(at.table))
        at.file.unlink()
        at.start()
        assert not await at.catch_up()
        assert await at.staged.worker_pid() == worker
        assert [problem.app_id for problem in at.proxy.refused] == ["/web"]
        async with watched(at.proxy, lambda _: None):
            os.kill(worker, signal.SIGKILL)
            with anyio.fail_after(10):
                while len(at.staged.told(ProxyStarted)) < 2:
                    await anyio.sleep(0.01)
        assert await shown(at.web.port) == fingerprint_of(pem(B))


@each_haproxy
@pytest.mark.anyio
async def test_the_copy_of_a_certificate_goes_when_nothing_names_it_any_more(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path) as at:
        at.file.write_text(pem(A))
        await at.catch_up()
        copies = tmp_path / "state" / "copies" / "apps"
        (copy,) = copies.glob("*.pem")
        assert copy.stat().st_mode & 0o077 == 0
        for port in free_ports(2):
            at.web = replace(at.web, port=port, binding=Binding())
            await at.catch_up()
        assert not list(copies.glob("*.pem"))


@each_haproxy
@pytest.mark.parametrize("options", ["", "alpn h2,http/1.1 ssl-min-ver TLSv1.2 tfo"])
@pytest.mark.anyio
async def test_an_idle_client_of_a_tls_listener_is_handed_to_the_next_worker(
    binary: Binary, tmp_path: Path, options: str
) -> None:
    async with site(binary, tmp_path, options) as at:
        at.file.write_text(pem(A))
        await at.catch_up()
        async with await anyio.connect_tcp("127.0.0.1", at.web.port) as raw:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            stream = await TLSStream.wrap(raw, hostname=A, ssl_context=context, standard_compatible=False)
            for _ in range(2):
                await stream.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
                head = (await stream.receive()).decode()
                assert head.startswith("HTTP/1.1 200 ")
                assert "x-forwarded-proto: https" in head.lower()
                assert "x-forwarded-for: 127.0.0.1" in head.lower()
                at.plain = replace(at.plain, port=free_ports(1)[0])
                assert await at.catch_up()


@each_haproxy
@pytest.mark.anyio
async def test_behind_a_proxy_of_the_owners_the_client_is_the_one_that_it_names(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path, "accept-proxy") as at:
        at.web = replace(at.web, binding=Binding(None, "accept-proxy"))
        await at.catch_up()
        async with await anyio.connect_tcp("127.0.0.1", at.web.port) as stream:
            for begin in (PROXIED, b""):
                await stream.send(begin + b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
                assert b"x-forwarded-for: 192.0.2.7" in (await stream.receive()).lower()
                at.plain = replace(at.plain, port=free_ports(1)[0])
                assert await at.catch_up()


@each_haproxy
@pytest.mark.anyio
async def test_connections_of_mode_tcp_end_their_tls_here(binary: Binary, tmp_path: Path) -> None:
    async with site(binary, tmp_path, mode="tcp") as at:
        at.file.write_text(pem(A))
        await at.catch_up()
        assert await at.tls_get() == 200


VALUES = {
    "alpn": "h2,http/1.1",
    "ciphers": "ECDHE-RSA-AES128-GCM-SHA256:!aNULL",
    "ciphersuites": "TLS_AES_128_GCM_SHA256",
    "crt": "FILE",
    "curves": "X25519:P-256",
    "ecdhe": "prime256v1",
    "ssl-max-ver": "TLSv1.3",
    "ssl-min-ver": "TLSv1.2",
}


@each_haproxy
@pytest.mark.parametrize("is_tls", [True, False])
def test_haproxy_takes_every_option_that_owners_may_use(binary: Binary, tmp_path: Path, is_tls: bool) -> None:
    file = tmp_path / "web.pem"
    file.write_text(pem(A))
    texts = [f"{word} {VALUES.get(word, '10')}" for word in WITH_VALUE if word != "crt"] + sorted(FLAGS - {"ssl"})
    read = [read_bind_options(text) for text in texts]
    services = tuple(
        Service(f"w_{n}", "/w", n, 20_000 + n, "http", binding=Binding(str(file) if is_tls else None, found.options))
        for n, found in enumerate(read)
        if isinstance(found, Binding)
    )
    assert len(services) == len(texts)
    made = RunDesigner(Profile(str(tmp_path / "a"), str(tmp_path), 2_000, ("127.0.0.1",), 0, 0, 0, 0))
    desired = made.desired(RoutingTable(services, {one.name: () for one in services}))
    for path in (*desired.maps, *desired.found_maps):
        Path(path).write_text("")
    config = tmp_path / "haproxy.cfg"
    config.write_text(render(desired))
    checked = subprocess.run([binary.path, "-c", "-f", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
