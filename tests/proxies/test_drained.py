"""A task that a deployment drains stays a server of HAProxy, in maintenance, as long as it is there."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from milepost.model.routing import RoutingTable
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.reader import read_statistics
from support.haproxy import Stage, each_haproxy, free_ports, reach, stage, table_of
from support.traffic import fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]


def draining(table: RoutingTable, *ports: int) -> RoutingTable:
    """The table, with the tasks at these ports drained."""
    endpoints = {
        name: tuple(replace(at, is_drained=at.port in ports) for at in found) for name, found in table.endpoints.items()
    }
    return replace(table, endpoints=endpoints)


async def seen(at: Stage, port: int) -> tuple[str, int]:
    """Status and sessions of the server at `port`, as the statistics tell them."""
    (backend,) = [name for name in (await at.proxies[-1].observe()).servers if name.startswith("web_")]
    servers = await read_statistics(at.places.admin_socket, backend)
    return next((one.status, one.sessions) for one in servers if one.place == f"127.0.0.1:{port}")


async def test_a_drained_task_ends_what_it_does_and_gets_nothing_new_without_a_reload(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (new, old), anyio.create_task_group() as group:
        proxy, answers = at.proxy(), []
        old.gate = anyio.Event()
        await reach(proxy, table_of(("/web", port, (old.port,))))
        worker = await at.worker_pid()

        async def one_request() -> None:
            answers.append(await get(port))

        group.start_soon(one_request)
        await until(lambda: old.requests == 1)
        table = table_of(("/web", port, (old.port, new.port)))
        actual = (await reach(proxy, draining(table, old.port))).actual
        assert await seen(at, old.port) == ("MAINT", 1)
        assert [(await get(port)).status for _ in range(6)] == [200] * 6
        assert (new.requests, old.requests) == (6, 1)
        old.gate.set()
        await until(lambda: bool(answers))
        assert answers[0].status == 200
        assert (await seen(at, old.port))[0] == "MAINT"
        assert not proxy.plan(proxy.desired(draining(table, old.port)), await proxy.observe())
        actual = (await reach(proxy, table)).actual
        assert [(await get(port)).status for _ in range(6)] == [200] * 6
        assert old.requests > 1
        assert all(server.up for server in actual.servers[f"web_{port}"].values())
        assert await at.worker_pid() == worker


async def test_a_task_that_is_drained_from_the_first_gets_no_request_also_from_the_file(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (new, old):
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, (new.port,))))
        table = draining(table_of(("/web", port, (old.port, new.port))), old.port)
        await reach(proxy, table)
        assert await seen(at, old.port) == ("MAINT", 0)
        await proxy.save(proxy.desired(table))
        assert [line.endswith(" disabled") for line in at.text.splitlines() if "  server " in line] == [True, False]
        at.designer.extra = {"/web": ("http-response set-header X-New yes",)}
        await reach(proxy, table)
        assert (await seen(at, old.port))[0] == "MAINT"
        assert [(await get(port)).status for _ in range(4)] == [200] * 4
        assert (new.requests, old.requests) == (4, 0)
        assert not at.proxy().plan(proxy.desired(table), await proxy.observe())
