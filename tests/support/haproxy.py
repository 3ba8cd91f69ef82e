"""Real HAProxies for tests: both versions, in a directory of their own, with a design that is as small as can be."""

import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import pytest

from milepost.errors import ProxyError, ProxyGone
from milepost.model.notice import Notice
from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.base import Outcome
from milepost.proxies.haproxy.actual import Actual
from milepost.proxies.haproxy.binary import Binary, find_binary
from milepost.proxies.haproxy.certificate import CertificateList
from milepost.proxies.haproxy.certificate_check import CertificateCheck
from milepost.proxies.haproxy.certificate_files import OF_APPS
from milepost.proxies.haproxy.config import Desired, Section, Server
from milepost.proxies.haproxy.gate import Designer
from milepost.proxies.haproxy.keychain import Keychain
from milepost.proxies.haproxy.keyring import Keyring
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.proxy import HaproxyProxy, Places
from milepost.proxies.haproxy.structure import with_digest


def _binaries() -> Mapping[str, Binary]:
    """The programs on this machine by (major.minor): the system's and the bundled one."""
    found: dict[str, Binary] = {}
    for name in ("haproxy", "no such program, so the bundled one"):
        try:
            binary = find_binary(name, allow_bundled=True)
        except ProxyError:
            continue
        found.setdefault(".".join(map(str, binary.numbers)), binary)
    return found


BINARIES = _binaries()

each_haproxy = pytest.mark.parametrize(
    "binary",
    [
        pytest.param(
            BINARIES.get(version),
            id=version,
            marks=pytest.mark.skipif(version not in BINARIES, reason=f"missing capability: HAProxy {version}"),
        )
        for version in ("2.6", "2.8")
    ],
)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now: bound together, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@dataclass
class TinyDesigner:
    """A frontend and a backend per service. `extra` are lines for an app's backend, `hosts` entries of the one map."""

    places: Places
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    hosts: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ("pool-max-conn -1", "pool-purge-delay 5s")

    @property
    def map_path(self) -> str:
        return str(self.places.config.with_name("hosts.map"))

    def desired(
        self, table: RoutingTable, withheld: Mapping[str, str], certificates: CertificateList | None = None
    ) -> Desired:
        services = [service for service in table.services if service.app_id not in withheld]
        frontends = [self._frontend(service) for service in services if service.name not in withheld]
        structure = with_digest([*self._shared(), *frontends, *map(self._backend, services)])
        servers = {s.name: tuple(map(self._server, table.endpoints[s.name])) for s in services}
        maps = {self.map_path: tuple(self.hosts.items())}
        return Desired(structure, servers, maps, {s.name: s.app_id for s in services})

    def _shared(self) -> tuple[Section, ...]:
        socket_line = f"stats socket {self.places.admin_socket} mode 600 level admin expose-fd listeners"
        timeouts = ("timeout client 5s", "timeout server 5s", "timeout connect 1s")
        return (
            Section("global", "", ("maxconn 500", socket_line, *self.shared)),
            Section("defaults", "", ("mode http", "option idle-close-on-response", "retries 0", *timeouts)),
        )

    def _frontend(self, service: Service) -> Section:
        by_host = f"use_backend %[req.hdr(host),lower,map_str({self.map_path})]"
        lines = (f"bind 127.0.0.1:{service.port}", by_host, f"default_backend {service.name}")
        return Section("frontend", service.name, lines, service.app_id, (("127.0.0.1", service.port),))

    def _backend(self, service: Service) -> Section:
        lines = (f"balance {service.balance}", *self.extra.get(service.app_id, ()))
        return Section("backend", service.name, lines, service.app_id)

    def _server(self, endpoint: Endpoint) -> Server:
        name, is_off = f"s{endpoint.port}", endpoint.is_drained
        return Server(name, endpoint.address, endpoint.port, endpoint.port, self.options, is_off=is_off)


def table_of(*apps: tuple[str, int, tuple[int, ...]], balance: str = "roundrobin") -> RoutingTable:
    """A table of apps as (id, service port, ports of tasks on 127.0.0.1)."""
    services = tuple(Service(_name(app, port), app, 0, port, "http", balance) for app, port, _ in apps)
    endpoints = {
        _name(app, port): tuple(Endpoint(f"{app}.{task}", "localhost", "127.0.0.1", task) for task in tasks)
        for app, port, tasks in apps
    }
    return RoutingTable(services, endpoints)


def _name(app_id: str, port: int) -> str:
    return f"{app_id.strip('/').replace('/', '_')}_{port}"


@dataclass
class Stage:
    """A proxy under test, what it told, and the means to look at HAProxy from outside."""

    designer: TinyDesigner
    places: Places
    notices: list[Notice]
    binary: Binary
    environment: dict[str, str] = field(default_factory=dict)
    woken: list[str] = field(default_factory=list)
    proxies: list[HaproxyProxy] = field(default_factory=list)

    def proxy(
        self,
        *,
        designer: Designer | None = None,
        is_own: bool = True,
        tunnel_limit_s: float = 0.0,
        heals: bool = True,
        keyring: Keychain | None = None,
    ) -> HaproxyProxy:
        """A new milepost, as after a restart: it knows nothing but the places."""
        proxy = HaproxyProxy(
            designer or self.designer,
            self.places,
            self.notices.append,
            binary=self.binary.path,
            environment=self.environment,
            is_own=is_own,
            tunnel_limit_s=tunnel_limit_s,
            heals=heals,
            keyring=keyring,
        )
        self.proxies.append(proxy)
        return proxy

    def told(self, kind: type[Notice]) -> list[Notice]:
        return [notice for notice in self.notices if isinstance(notice, kind)]

    async def master_pid(self) -> int:
        return (await MasterSocket(self.places.master_socket).ready()).master

    async def worker_pid(self) -> int:
        worker = (await MasterSocket(self.places.master_socket).ready()).worker
        assert worker is not None
        return worker

    @property
    def text(self) -> str:
        return self.places.config.read_text()


def keychain(places: Sequence[Path], copies: Path, binary: Binary) -> Keychain:
    """Of `places` and of what apps name, with the copies in `copies`."""
    folders = (copies, copies / OF_APPS)
    shared, of_apps = (
        Keyring(named, folder, CertificateCheck(binary.path, folder, {}))
        for named, folder in zip((places, ()), folders, strict=True)
    )
    return Keychain(shared, of_apps)


@asynccontextmanager
async def stage(binary: Binary, folder: Path) -> AsyncIterator[Stage]:
    """A place for one HAProxy under `folder`; whatever still runs there at the end is ended."""
    names = ("haproxy.cfg", "a.sock", "m.sock", "haproxy.pid", "drain.map")
    places = Places(*(folder / name for name in names))
    staged = Stage(TinyDesigner(places), places, [], binary)
    try:
        yield staged
    finally:
        with anyio.CancelScope(shield=True):
            for proxy in staged.proxies:
                await proxy.close()
            await _end(places)


async def _end(places: Places) -> None:
    """Also one that a failed test left in the middle of its start: the pid file tells, if the process is that one."""
    try:
        pid = (await MasterSocket(places.master_socket).ready(0.5)).master
    except ProxyGone:
        pid = _pid_in(places)
    if pid:
        os.kill(pid, signal.SIGTERM)


def _pid_in(places: Places) -> int:
    try:
        pid = int(places.pid_file.read_text())
        return pid if str(places.config) in Path(f"/proc/{pid}/cmdline").read_text() else 0
    except (OSError, ValueError):
        return 0


async def reach(proxy: HaproxyProxy, table: RoutingTable) -> Outcome[Actual]:
    """What the controller does in a pass, until nothing is left to do. Returns the last outcome."""
    outcome = Outcome(await proxy.observe())
    with anyio.fail_after(15):
        while plan := proxy.plan(proxy.desired(table), outcome.actual):
            if plan.live:
                outcome = await proxy.apply(plan, outcome.actual)
            if plan.structure:
                outcome = await proxy.restructure(partial(proxy.desired, table))
    return outcome


@asynccontextmanager
async def watched(proxy: HaproxyProxy, wake: Callable[[str], None]) -> AsyncIterator[None]:
    """The proxy's own watching, as the controller runs it."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(proxy.run, wake)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
