"""TLS that passes through beside TLS that ends here, on one port of real HAProxies, over reloads."""

import ssl
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio.streams.tls import TLSStream

from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Desired, Profile
from milepost.proxies.haproxy.desired import RunDesigner
from support.certificates import fingerprint_of, pem, shown
from support.echo import echo_task, tell
from support.haproxy import each_haproxy, free_ports, reach, stage

PROFILE = Profile("/run/m/admin.sock", "/run/m/maps", 2_000, ("10.0.0.9",), certificate_list="/c/list")
WEB = Service("web_1", "/web", 0, 1, "http", hosts=("a.example",))
OWN = Service("own_2", "/own", 0, 2, "tcp", hosts=("own.example",), passes_tls=True)


def design(*services: Service, profile: Profile = PROFILE) -> Desired:
    return RunDesigner(profile).desired(RoutingTable(services, {one.name: () for one in services}))


def lines_of(desired: Desired, name: str) -> tuple[str, ...] | None:
    return next((section.lines for section in desired.structure.sections if section.name == name), None)


def test_without_such_a_service_nothing_reads_names() -> None:
    desired = design(WEB)
    assert lines_of(desired, "milepost_sni_in") is lines_of(desired, "milepost_tls") is None
    assert "/run/m/maps/sni.map" not in desired.maps


def test_the_frontend_in_which_tls_ends_moves_behind_the_one_that_reads_names() -> None:
    desired = design(WEB, OWN)
    found = "req.ssl_sni,lower,map_str(/run/m/maps/sni.map)"
    assert lines_of(desired, "milepost_sni_in") == (
        "bind 10.0.0.9:443",
        "mode tcp",
        "tcp-request connection expect-proxy layer4 if { src 127.255.0.9 }",
        "tcp-request inspect-delay 5s",
        "tcp-request content accept if { req.ssl_hello_type 1 }",
        f"use_backend %[{found}] if {{ {found} -m found }}",
        "default_backend milepost_tls",
    )
    inner = lines_of(desired, "marathon_https_in")
    assert inner is not None
    options = "ssl crt-list /c/list alpn h2,http/1.1"
    assert inner[0] == f"bind unix@/run/m/haproxy-tls.sock mode 600 accept-proxy {options}"
    assert inner[2] == "use_backend milepost_to_new_tls if { stopping } { dst 0.0.0.0/0 }"
    assert inner[-1] == (lines_of(design(WEB), "marathon_https_in") or ())[-1]
    assert lines_of(desired, "milepost_tls") == (
        "mode tcp",
        "server terminating unix@/run/m/haproxy-tls.sock send-proxy-v2",
    )
    assert desired.maps["/run/m/maps/sni.map"] == (("own.example", "own_2"),)
    assert desired.maps["/run/m/maps/hosts.map"] == (("a.example", "web_1"),)


def test_without_a_port_of_tls_nothing_passes_through() -> None:
    desired = design(OWN, profile=replace(PROFILE, certificate_list=""))
    assert lines_of(desired, "milepost_sni_in") is lines_of(desired, "milepost_tls") is None


def with_certificates(folder: Path, https_port: int) -> tuple[Profile, ssl.SSLContext]:
    """HAProxy speaks TLS as "ours", a task with the context as "theirs"."""
    ours, theirs, listed = (folder / name for name in ("ours.pem", "theirs.pem", "list"))
    ours.write_text(pem("ours"))
    theirs.write_text(pem("theirs"))
    listed.write_text(f"{ours}\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs)
    where = (str(folder / "a.sock"), str(folder), 2_000, ("127.0.0.1",))
    return Profile(*where, 0, https_port, 0, 0, certificate_list=str(listed)), context


async def connected(port: int, host: str) -> TLSStream:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream = await anyio.connect_tcp("127.0.0.1", port)
    return await TLSStream.wrap(stream, hostname=host, ssl_context=context, standard_compatible=False)


def on(port: int) -> tuple[Endpoint, ...]:
    return (Endpoint(f"t{port}", "127.0.0.1", "127.0.0.1", port),)


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_both_kinds_live_on_one_port_and_no_reload_costs_a_request(binary: Binary, tmp_path: Path) -> None:
    https_port, *ports = free_ports(4)
    made, context = with_certificates(tmp_path, https_port)
    web, own, more = replace(WEB, port=ports[0]), replace(OWN, port=ports[1]), Service("x", "/x", 0, ports[2], "http")
    async with stage(binary, tmp_path) as staged, echo_task() as plain, echo_task(tls=context) as speaking:
        proxy = staged.proxy(designer=RunDesigner(made))
        pools = {"web_1": on(plain), "own_2": on(speaking), "x": on(plain)}
        seen: list[TLSStream] = []
        workers = set()
        for table in (tables := ((web,), (web, own), (web, own, more), (web, more))):
            await reach(proxy, RoutingTable(table, {one.name: pools[one.name] for one in table}))
            workers.add(await staged.worker_pid())
            for waiting in seen:
                answer = await tell(waiting, "a.example")
                assert (answer.task, answer.header("x-forwarded-for")) == (plain, ["127.0.0.1"])
                assert answer.header("x-forwarded-port") == [str(https_port)]
                assert answer.header("x-forwarded-proto") == ["https"]
                await waiting.aclose()
            seen = [await connected(https_port, "a.example")]
            assert (await tell(seen[0], "a.example")).task == plain
            passed = fingerprint_of(pem("theirs" if own in table else "ours"))
            assert [await shown(https_port, name) for name in ("a.example", "own.example", "OWN.example")] == [
                fingerprint_of(pem("ours")),
                passed,
                passed,
            ]
        await seen[0].aclose()
    assert len(workers) == len(tables)


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_a_host_more_passes_through_without_a_reload(binary: Binary, tmp_path: Path) -> None:
    https_port, port = free_ports(2)
    made, context = with_certificates(tmp_path, https_port)
    one, two = (replace(OWN, port=port, hosts=hosts) for hosts in (("own.example",), ("own.example", "b.example")))
    async with stage(binary, tmp_path) as staged, echo_task(tls=context) as speaking:
        proxy = staged.proxy(designer=RunDesigner(made))
        await reach(proxy, RoutingTable((one,), {"own_2": on(speaking)}))
        assert await shown(https_port, "b.example") == fingerprint_of(pem("ours"))
        assert not (await reach(proxy, RoutingTable((two,), {"own_2": on(speaking)}))).reloaded
        assert await shown(https_port, "b.example") == fingerprint_of(pem("theirs"))
