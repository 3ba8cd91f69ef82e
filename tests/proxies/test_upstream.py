"""A proxy in front of the balancer: whom real HAProxies believe, and that reloads go on to cost nothing."""

import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

from milepost.model.routing import Endpoint, Retries, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.upstream import expecting, header_lines, staying_here
from support.certificates import pem
from support.echo import Told, ask, echo_task, tell
from support.haproxy import each_haproxy, free_ports, reach, stage

PROFILE = Profile("/run/a", "/run/m", 2_000, ("::1", "10.0.0.9"))
TRUSTING = replace(PROFILE, accept_proxy=("http",), trusted_networks=("10.0.0.0/8", "fd00::/8"))
NAMED = b"PROXY TCP4 192.0.2.7 192.0.2.99 1234 4711\r\n"
SAID = ("X-Forwarded-Port: 8443", "X-Forwarded-Proto: https")


def test_without_trust_nothing_is_expected_and_the_usual_headers_are_set() -> None:
    assert expecting("http", PROFILE) == staying_here("http", PROFILE, (("*", 80),)) == ()
    assert expecting("http", replace(PROFILE, accept_proxy=("http",))) == ()
    assert "http-request set-header X-Forwarded-Port %[dst_port]" in header_lines(PROFILE)


def test_only_named_listeners_expect_and_only_from_whom_is_trusted() -> None:
    rule = "tcp-request connection expect-proxy layer4 if { src 10.0.0.0/8 fd00::/8 }"
    assert expecting("http", TRUSTING) == (rule,)
    assert expecting("https", TRUSTING) == ()


@pytest.mark.parametrize(
    ("host", "address"), [("*", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("10.0.0.9", "10.0.0.9"), ("::1", "::1")]
)
def test_a_worker_that_stops_goes_to_an_address_of_ours(host: str, address: str) -> None:
    assert staying_here("http", TRUSTING, ((host, 80),)) == (
        f"http-request set-dst str({address}) if {{ stopping }}",
        "http-request set-dst-port int(80) if { stopping }",
    )


def forwarded(told: Told) -> Mapping[str, list[str]]:
    return {name: told.header(f"x-forwarded-{name}") for name in ("for", "port", "proto")}


def on(port: int) -> tuple[Endpoint, ...]:
    return (Endpoint(f"t{port}", "127.0.0.1", "127.0.0.1", port),)


def listening(folder: Path, http_port: int, https_port: int) -> Profile:
    listed, certificate = folder / "list", folder / "ours.pem"
    certificate.write_text(pem("ours"))
    listed.write_text(f"{certificate}\n")
    where = (str(folder / "a.sock"), str(folder), 2_000, ("127.0.0.1",))
    return Profile(*where, http_port, https_port, 0, 0, certificate_list=str(listed))


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_a_trusted_upstream_names_clients_and_says_what_they_asked_for(binary: Binary, tmp_path: Path) -> None:
    http_port, https_port, port, other = free_ports(4)
    made = listening(tmp_path, http_port, https_port)
    web = Service("web_1", "/web", 0, port, "http", hosts=("a.example",))
    own = replace(web, name="own_2", port=other, hosts=("b.example",), retries=Retries(()))
    trusting = replace(made, accept_proxy=("http", "services"), trusted_networks=("127.0.0.0/8",))
    async with stage(binary, tmp_path) as staged, echo_task() as task:
        proxy = staged.proxy(designer=RunDesigner(trusting))
        await reach(proxy, RoutingTable((web, own), {"web_1": on(task), "own_2": on(task)}))
        named = {"for": ["192.0.2.7"], "port": ["4711"], "proto": []}
        # Whom the PROXY header names is not trusted himself.
        for at, host in ((http_port, "a.example"), (http_port, "b.example"), (port, "x"), (other, "x")):
            assert forwarded(await ask(at, host, before=NAMED)) == named
            assert forwarded(await ask(at, host, "/", SAID[1], before=NAMED)) == named
        assert forwarded(await ask(https_port, "a.example", "/", *SAID, tls=True)) == {
            "for": ["127.0.0.1"],
            "port": ["8443"],
            "proto": ["https"],
        }
        assert forwarded(await ask(https_port, "b.example", tls=True)) == {
            "for": ["127.0.0.1"],
            "port": [str(https_port)],
            "proto": ["https"],
        }


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_behind_an_upstream_no_reload_costs_a_request(binary: Binary, tmp_path: Path) -> None:
    """The destination that the upstream names is not ours. Also where names are read before TLS ends."""
    http_port, https_port, port, other = free_ports(4)
    made = listening(tmp_path, http_port, https_port)
    made = replace(made, accept_proxy=("http", "https", "services"), trusted_networks=("127.0.0.1",))
    web = Service("web_1", "/web", 0, port, "http", hosts=("a.example",))
    more = Service("own_2", "/own", 0, other, "tcp", hosts=("own.example",), passes_tls=True)
    async with stage(binary, tmp_path) as staged, echo_task() as task:
        proxy = staged.proxy(designer=RunDesigner(made))
        waiting: list[ByteStream] = []
        for services in ((web,), (web, more), (web, replace(more, balance="leastconn"))):
            await reach(proxy, RoutingTable(services, {one.name: on(task) for one in services}))
            for stream in waiting:
                told = await tell(stream, "a.example")
                assert told.header("x-forwarded-for") == ["192.0.2.7"]
                await stream.aclose()
            waiting = [await upstream(port), await upstream(http_port), await upstream(https_port, tls=True)]
            for stream in waiting:
                assert forwarded(await tell(stream, "a.example"))["for"] == ["192.0.2.7"]
        for stream in waiting:
            await stream.aclose()


async def upstream(port: int, *, tls: bool = False) -> ByteStream:
    """A connection of an upstream's that has named its client."""
    stream = await anyio.connect_tcp("127.0.0.1", port)
    await stream.send(NAMED)
    if not tls:
        return stream
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return await TLSStream.wrap(stream, hostname="a.example", ssl_context=context, standard_compatible=False)
