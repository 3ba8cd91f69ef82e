"""Clients that are turned away, by real HAProxies: by the operator everywhere, by an owner from one service."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.denied import denials, rejections
from milepost.proxies.haproxy.desired import RunDesigner
from support.echo import ask, echo_task
from support.haproxy import each_haproxy, free_ports, reach, stage

PROFILE = Profile("/run/a", "/run/m", 2_000)
WEB = Service("web_1", "/web", 0, 1, "http", hosts=("a.example",))


def test_nobody_is_turned_away_unasked() -> None:
    assert rejections(PROFILE) == denials(WEB) == ()


def test_many_networks_take_several_lines() -> None:
    many = tuple(f"10.0.0.{number}/32" for number in range(60))
    lines = rejections(replace(PROFILE, deny=many))
    assert [len(line.split()) for line in lines] == [57, 17]
    assert lines[1].startswith("tcp-request session reject if { src 10.0.0.50/32 ")


def test_an_owner_turns_away_in_the_way_of_the_mode() -> None:
    assert denials(replace(WEB, denied=("::1/128",))) == ("http-request deny if { src ::1/128 }",)
    assert denials(replace(WEB, mode="tcp", denied=("::1/128",))) == ("tcp-request content reject if { src ::1/128 }",)


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_a_denied_client_gets_nowhere_and_the_others_everywhere(binary: Binary, tmp_path: Path) -> None:
    """Both come from this machine; an upstream tells which of them it is."""
    http_port, *ports = free_ports(4)
    made = Profile(str(tmp_path / "a.sock"), str(tmp_path), 2_000, ("127.0.0.1",), http_port, 0, 0, 0)
    made = replace(made, accept_proxy=("http", "services"), trusted_networks=("127.0.0.1",), deny=("192.0.2.66",))
    web = replace(WEB, port=ports[0], denied=("192.0.2.0/25",))
    raw = replace(WEB, name="raw_2", port=ports[1], mode="tcp", hosts=(), denied=("192.0.2.0/25",))
    open_to_all = replace(WEB, name="open_3", port=ports[2], hosts=("open.example",))
    services = (web, raw, open_to_all)
    async with stage(binary, tmp_path) as staged, echo_task() as task:
        pool = (Endpoint("t", "127.0.0.1", "127.0.0.1", task),)
        await reach(staged.proxy(designer=RunDesigner(made)), RoutingTable(services, {s.name: pool for s in services}))
        places = ((http_port, "a.example"), (ports[0], "x"), (ports[1], "x"), (http_port, "open.example"))
        seen = {client: [await status(*place, client) for place in places] for client in CLIENTS}
    assert seen == CLIENTS


CLIENTS = {
    "192.0.2.200": [200, 200, 200, 200],
    "192.0.2.7": [403, 403, 0, 200],
    "192.0.2.66": [0, 0, 0, 0],
}


async def status(port: int, host: str, client: str) -> int:
    """0 where the connection ends without an answer."""
    try:
        told = await ask(port, host, before=f"PROXY TCP4 {client} 127.0.0.1 1 2\r\n".encode())
    except (OSError, anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
        return 0
    return told.status
