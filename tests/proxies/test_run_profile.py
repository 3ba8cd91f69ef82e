"""The run profile in real HAProxies: accepted without a warning, and a reload that costs an idle client nothing."""

import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSStream

from milepost.model.routing import (
    Auth,
    Binding,
    Check,
    Endpoint,
    Retries,
    Rewrites,
    RoutingTable,
    ServerTls,
    Service,
    Timeouts,
)
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Desired, Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.lame_duck import DrainFile, LameDuck
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.render import render, render_map
from milepost.proxies.haproxy.runtime import AdminSocket
from support.haproxy import each_haproxy, free_ports, reach, stage
from support.traffic import get

pytestmark = [pytest.mark.system]

CERTIFICATE = Path(__file__).parents[1] / "support" / "certificate.pem"
HANDSHAKE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-%b\r\n\r\n"  # with RFC 6455's example key
SECOND_ADDRESS = "127.0.59.1"  # all of 127/8 is this machine


def profile(folder: Path, ports: list[int]) -> Profile:
    http_port, https_port, appid_port, stats_port = ports
    listed = folder / "certificates"
    listed.write_text(f"{CERTIFICATE}\n")
    return Profile(
        admin_socket=str(folder / "a.sock"),
        map_dir=str(folder),
        max_files=2_000,
        bind=("127.0.0.1", SECOND_ADDRESS),
        http_port=http_port,
        https_port=https_port,
        appid_port=appid_port,
        stats_port=stats_port,
        certificate_list=str(listed),
    )


BALANCES = {
    "roundrobin": "tcp",
    "static-rr": "tcp",
    "leastconn": "tcp",
    "first": "tcp",
    "source": "tcp",
    "random(2)": "tcp",
    "rdp-cookie(mstshash)": "tcp",
    "uri whole depth 3 len 9 path-only": "http",
    "url_param user check_post 64": "http",
    "hdr(X-User) use_domain_only": "http",
}


def every_kind() -> RoutingTable:
    """Services of every mode, balance, check and route."""
    plain = [
        Service(f"b{n}_{n}", f"/b{n}", 0, 100 + n, mode, balance) for n, (balance, mode) in enumerate(BALANCES.items())
    ]
    web = Service("web_80", "/web", 0, 80, "http", sticky=True, hosts=("a.example",), serves_app_id=True)
    services = (
        *plain,
        web,
        replace(
            web, name="api_81", port=81, path=("-i", "/api", "/v1"), check=Check("http", "/h?a=%20", 5, 2, 3, 8080)
        ),
        replace(
            web,
            name="rules_83",
            port=83,
            hosts=("b.example", "c.example"),
            auth=Auth("a realm", "joe", "$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC"),
            networks=("10.0.0.0/8", "fd00::/8"),
            redirects_to_https=True,
            rewrites=Rewrites(hsts=True, proxypass_path="/v1.0", revproxy_path="/app", root_redirect="/app/"),
            binding=Binding(str(CERTIFICATE), "alpn h2,http/1.1 ssl-min-ver TLSv1.2"),
        ),
        Service("raw_84", "/raw", 0, 84, "tcp", networks=("10.0.0.0/8",), binding=Binding(None, "accept-proxy")),
        replace(web, name="six_82", port=82, bind_addr="::1", balance="uri", check=Check("tcp", "/", 5, 2, 3)),
        replace(web, name="lost_80", listens=False, hosts=(), mode="tcp", sticky=False),
    )
    pool = (Endpoint("t1", "10.0.0.1", "10.0.0.1", 1), Endpoint("t2", "node", "fd00::1", 2, check_port=8081))
    return RoutingTable(services, {service.name: pool for service in services})


@each_haproxy
@pytest.mark.parametrize("is_hitless", [True, False])
@pytest.mark.parametrize("log", ["", "127.0.0.1:514 local0", "stdout"])
def test_haproxy_accepts_every_kind_of_service_without_a_warning(
    binary: Binary, is_hitless: bool, log: str, tmp_path: Path
) -> None:
    log_socket, endpoints_socket = str(tmp_path / "log.sock"), str(tmp_path / "stats.sock")
    made = replace(
        profile(tmp_path, [8080, 8443, 9091, 9090]),
        log=log,
        log_socket=log_socket,
        endpoints_socket=endpoints_socket,
        stats_trusted=("10.0.0.0/8", "fd00::/8"),
    )
    desired = RunDesigner(made, is_hitless=is_hitless).desired(every_kind())
    assert_accepted(binary, desired, tmp_path)


@each_haproxy
@pytest.mark.parametrize("is_hitless", [True, False])
def test_haproxy_accepts_all_that_owners_and_operators_may_ask_for_at_once_without_a_warning(
    binary: Binary, is_hitless: bool, tmp_path: Path
) -> None:
    page, networks = tmp_path / "503.http", tuple(f"10.0.{number}.0/24" for number in range(40))
    page.write_bytes(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nsorry")
    made = replace(
        profile(tmp_path, [8080, 8443, 9091, 9090]),
        server_ca=str(CERTIFICATE),
        accept_proxy=("http", "https", "appid", "services"),
        trusted_networks=networks,
        deny=networks * 5,
        error_pages=((503, str(page)),),
    )
    asks = Service(
        "asks_80", "/asks", 0, 80, "http", hosts=("*.a.example", "~b[0-9]{1,3}[.](c|d)?.*", "*"), path=("-i", "/x"),
        check=Check("http", "/", 5, 2, 3, is_tls=True), retries=Retries(("503",)), strips_path=True,
        timeouts=Timeouts(0.1, 604_800.0, 1.0), server_tls=ServerTls.VERIFIED, denied=networks * 2,
    )  # fmt: skip
    services = (
        asks,
        replace(asks, name="usual_81", port=81, retries=Retries(), hosts=("a.example",), path=()),
        replace(asks, name="raw_82", port=82, mode="tcp", hosts=(), path=(), check=None, strips_path=False),
        Service("own_83", "/own", 0, 83, "tcp", hosts=("own.example",), passes_tls=True, denied=networks * 2),
    )
    pool = (Endpoint("t1", "10.0.0.1", "10.0.0.1", 1),)
    table = RoutingTable(services, {service.name: pool for service in services})
    assert_accepted(binary, RunDesigner(made, is_hitless=is_hitless).desired(table), tmp_path)


def assert_accepted(binary: Binary, desired: Desired, folder: Path) -> None:
    config = folder / "haproxy.cfg"
    config.write_text(render(desired))
    for path in (*desired.maps, *desired.found_maps):
        Path(path).write_text(render_map(desired.maps.get(path, ())))
    checked = subprocess.run([binary.path, "-c", "-f", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


@dataclass
class Client:
    """A connection that is kept alive, as a browser keeps it."""

    stream: SocketStream | TLSStream

    async def get(self, host: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers of the answer, and its body: what the task saw."""
        await self.stream.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        incoming = BufferedByteReceiveStream(self.stream)
        head = (await incoming.receive_until(b"\r\n\r\n", 10_000)).decode()
        assert head.startswith("HTTP/1.1 200"), head
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head.split("\r\n")[1:])}
        return headers, json.loads(await incoming.receive_exactly(int(headers["content-length"])))


@asynccontextmanager
async def task(name: str) -> AsyncIterator[int]:
    """A task that tells its name and the headers it got; gives its port. At the end it is gone, connections too."""

    async def answer(stream: SocketStream) -> None:
        incoming = BufferedByteReceiveStream(stream)
        async with stream:
            with suppress(anyio.IncompleteRead, anyio.BrokenResourceError):
                while True:
                    head = (await incoming.receive_until(b"\r\n\r\n", 10_000)).decode()
                    headers = [line for line in head.lower().split("\r\n") if line.startswith("x-")]
                    body = json.dumps({"name": name, "headers": headers})
                    await stream.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def connect(address: str, port: int, *, tls: bool = False) -> Client:
    if not tls:
        return Client(await anyio.connect_tcp(address, port))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return Client(await anyio.connect_tcp(address, port, ssl_context=context, tls_standard_compatible=False))


@each_haproxy
@pytest.mark.anyio
async def test_an_idle_clients_last_request_is_answered_by_the_next_worker(binary: Binary, tmp_path: Path) -> None:
    """The old worker knows only the task that has gone: it hands the request on, with the client's own address."""
    ports = free_ports(6)
    made = profile(tmp_path, ports[:4])
    web = Service("web_1", "/web", 0, ports[4], "http", hosts=("a.example",), serves_app_id=True)
    other = replace(web, name="other_2", app_id="/other", port=ports[5], hosts=())
    async with stage(binary, tmp_path) as staged, task("second") as second:
        proxy = staged.proxy(designer=RunDesigner(made))
        async with task("first") as first:
            await reach(proxy, RoutingTable((web,), {"web_1": _at(first)}))
            clients = [
                await connect("127.0.0.1", web.port),
                await connect(SECOND_ADDRESS, web.port),
                await connect(SECOND_ADDRESS, made.http_port),
                await connect("127.0.0.1", made.https_port, tls=True),
            ]
            for client in clients:
                assert (await client.get("a.example"))[1]["name"] == "first"
        outcome = await reach(proxy, RoutingTable((other, web), {"web_1": _at(second), "other_2": _at(second)}))
        assert outcome.reloaded
        answers = [await client.get("a.example") for client in clients]
        for headers, seen in answers:
            assert seen["name"] == "second"
            assert headers["connection"] == "close"
            assert seen["headers"].count("x-forwarded-for: 127.0.0.1") == 1
        protocols = [[h for h in seen["headers"] if h.startswith("x-forwarded-proto")] for _, seen in answers]
        assert protocols == [[], [], [], ["x-forwarded-proto: https"]]
        for client in clients:
            await client.stream.aclose()


def _at(port: int) -> tuple[Endpoint, ...]:
    return (Endpoint(f"t{port}", "127.0.0.1", "127.0.0.1", port),)


@each_haproxy
@pytest.mark.anyio
async def test_while_it_drains_an_answer_ends_its_connection_unless_that_becomes_a_websocket(
    binary: Binary, tmp_path: Path
) -> None:
    made = profile(tmp_path, free_ports(4))
    web = Service("web_1", "/web", 0, free_ports(1)[0], "http")
    async with stage(binary, tmp_path) as staged, task("web") as port, websocket() as socket_port:
        places = staged.places
        proxy = staged.proxy(designer=RunDesigner(made))
        duck = LameDuck(
            AdminSocket(places.admin_socket), MasterSocket(places.master_socket), DrainFile(places.drain_map)
        )
        await reach(proxy, RoutingTable((web,), {"web_1": _at(port)}))
        await duck.begin(1.0)
        assert (await get(web.port)).is_last
        await reach(proxy, RoutingTable((web,), {"web_1": _at(socket_port)}))
        assert (await upgrade(web.port)) == "upgrade"
        assert await duck.end()
        await reach(proxy, RoutingTable((web,), {"web_1": _at(port)}))
        assert not (await get(web.port)).is_last


@asynccontextmanager
async def websocket() -> AsyncIterator[int]:
    """A task that agrees to a websocket and says no more; gives its port."""

    async def agree(stream: SocketStream) -> None:
        async with stream:
            await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", 10_000)
            await stream.send(
                b"HTTP/1.1 101 Switching Protocols\r\n" + HANDSHAKE % b"Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
            )
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await stream.receive()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, agree)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


async def upgrade(port: int) -> str:
    """What the answer to a websocket's handshake says about the connection."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + HANDSHAKE % b"Key: dGhlIHNhbXBsZSBub25jZQ==")
        head = (await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", 10_000)).decode().lower()
    assert head.startswith("http/1.1 101 "), head
    return dict(line.split(": ", 1) for line in head.split("\r\n")[1:])["connection"]
