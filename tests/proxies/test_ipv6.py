"""IPv6 from end to end: clients, the balancer's addresses, an app's own one, and tasks."""

from dataclasses import replace
from pathlib import Path

import pytest

from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from support.echo import ask, echo_task
from support.haproxy import each_haproxy, free_ports, reach, stage

pytestmark = [pytest.mark.system, pytest.mark.anyio]


@each_haproxy
async def test_requests_come_and_go_over_ipv6(binary: Binary, tmp_path: Path) -> None:
    http_port, port, other = free_ports(3)
    made = Profile(str(tmp_path / "a.sock"), str(tmp_path), 2_000, ("127.0.0.1", "::1"), http_port, 0, 0, 0)
    web = Service("web_1", "/web", 0, port, "http", hosts=("a.example",), denied=("2001:db8::/32",))
    raw = replace(web, name="raw_2", port=other, mode="tcp", hosts=(), bind_addr="::1")
    async with stage(binary, tmp_path) as staged, echo_task(host="::1") as task, echo_task(host="::1") as second:
        proxy = staged.proxy(designer=RunDesigner(made))
        at = {number: Endpoint(f"t{number}", "::1", "::1", number) for number in (task, second)}
        await reach(proxy, RoutingTable((web, raw), {"web_1": (at[task],), "raw_2": (at[task],)}))
        for place in ((http_port, "::1"), (http_port, "127.0.0.1"), (port, "::1"), (other, "::1")):
            told = await ask(place[0], "a.example", address=place[1])
            assert told.task == task
            assert told.header("x-forwarded-for") == ([] if place[0] == other else [place[1]])
        outcome = await reach(proxy, RoutingTable((web, raw), {"web_1": (at[second],), "raw_2": (at[task],)}))
        assert not outcome.reloaded
        assert (await ask(http_port, "a.example", address="::1")).task == second
