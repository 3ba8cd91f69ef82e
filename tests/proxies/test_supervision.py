"""A real HAProxy and its files that somebody else changes: noticed, told, and mended or left as configured."""

import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import pytest

from milepost.errors import ProxyError
from milepost.model.notice import ForeignChanges, ProxyStarted
from milepost.model.routing import RoutingTable
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.proxy import HaproxyProxy
from milepost.proxies.haproxy.runtime import AdminSocket
from support.haproxy import Stage, each_haproxy, free_ports, reach, stage, table_of, watched
from support.traffic import FakeTask, fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]


@dataclass
class Hands:
    """Somebody with access to the admin socket."""

    admin: AdminSocket
    backend: str
    task: FakeTask

    async def do(self, *commands: str) -> None:
        await self.admin.ask([command.format(server=f"{self.backend}/s{self.task.port}") for command in commands])
        await self.admin.close()


def told(at: Stage) -> list[str]:
    return [
        words for notice in at.told(ForeignChanges) if isinstance(notice, ForeignChanges) for words in notice.changes
    ]


def hands_on(at: Stage, port: int, task: FakeTask) -> Hands:
    return Hands(AdminSocket(at.places.admin_socket), f"web_{port}", task)


CHANGES = {
    "set server {server} state maint": "was taken out of traffic (maint)",
    "set server {server} state drain": "was set to drain",
    "set server {server} weight 50%": "got another weight",
    "set server {server} addr 127.0.0.9 port 1": "was moved to 127.0.0.9 port 1",
}


async def test_what_was_changed_by_hand_is_told_and_mended(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        at.designer.hosts, at.designer.options = {"web.example": f"web_{port}"}, ("weight 10",)
        proxy, table = at.proxy(), table_of(("/web", port, (task.port,)))
        await reach(proxy, table)
        before, hands = await proxy.observe(), hands_on(at, port, task)
        for command in CHANGES:
            await hands.do(command)
            after = (await reach(proxy, table)).actual
            assert (after.servers, after.pid) == (before.servers, before.pid), command
        await hands.do(
            "set server {server} state maint", "del server {server}", f"del map {at.designer.map_path} web.example"
        )
        await reach(proxy, table)
        await hands.do(f"add server web_{port}/mine 127.0.0.1:1", f"add map {at.designer.map_path} x.example nowhere")
        await reach(proxy, table)
        assert (await get(port)).body == str(task.port)
        server = f"server web_{port}/s{task.port}"
        assert told(at) == [
            *(f"{server} {words}" for words in CHANGES.values()),
            f"{server} was deleted",
            "map entry web.example was removed",
            f"server web_{port}/mine was added",
            "map entry x.example leads to nowhere now",
        ]
        assert await proxy.observe() == before


async def test_where_it_is_to_be_reported_a_change_by_hand_stays_until_it_is_milepost_s_turn(
    binary: Binary, tmp_path: Path
) -> None:
    port, other = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (task, more):
        proxy = at.proxy(heals=False)
        await reach(proxy, table_of(("/web", port, (task.port,)), ("/api", other, (task.port,))))
        await proxy.observe()
        await hands_on(at, port, task).do("set server {server} state maint")
        table = table_of(("/web", port, (task.port, more.port)), ("/api", other, ()))
        await reach(proxy, table)
        assert [(problem.app_id, problem.subject) for problem in proxy.refused] == [
            ("/web", f"server web_{port}/s{task.port}")
        ]
        assert {(await get(port)).body for _ in range(4)} == {str(more.port)}, "the other server was added all the same"
        proxy.heal()
        await reach(proxy, table)
        assert {(await get(port)).body for _ in range(4)} == {str(task.port), str(more.port)}
        assert proxy.refused == ()


async def test_a_change_by_hand_that_stands_against_milepost_s_own_is_mended_even_then(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (task, more):
        proxy = at.proxy(heals=False)
        await reach(proxy, table_of(("/web", port, (task.port,))))
        await proxy.observe()
        await hands_on(at, port, more).do("add server {server} 127.0.0.1:1 id 7")
        wanted = table_of(("/web", port, (more.port,)))
        await until_reached(proxy, wanted)
        assert (await get(port)).body == str(more.port)
        assert proxy.refused == ()


async def until_reached(proxy: HaproxyProxy, table: RoutingTable) -> None:
    """As the controller: what fails is looked at anew."""
    with anyio.fail_after(10):
        while True:
            try:
                await reach(proxy, table)
                return
            except ProxyError:
                continue


async def test_a_reload_by_somebody_else_is_told_once_and_one_with_an_edited_file_is_undone(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy, table = at.proxy(), table_of(("/web", port, (task.port,)))
        first = (await reach(proxy, table)).actual
        edited = at.text.replace("balance roundrobin", "balance leastconn")
        assert edited != at.text
        at.places.config.write_text(edited)
        os.kill(await at.master_pid(), signal.SIGUSR2)
        async with watched(proxy, at.woken.append):
            await until(lambda: bool(at.woken))
            second = (await reach(proxy, table)).actual
        assert [words.partition(", its")[0] for words in told(at)] == ["HAProxy was reloaded or restarted"]
        assert second.digest == first.digest
        assert "leastconn" not in at.text
        assert await at.worker_pid() == second.pid
        assert len(at.told(ProxyStarted)) == 1, "a master that executes itself anew is not dead"


def edit(path: Path) -> None:
    path.write_text(path.read_text() + "# mine\n")


def has(path: Path, content: str) -> bool:
    return path.read_text() == content


async def test_a_file_that_somebody_changed_is_written_anew(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at:
        at.designer.hosts = {"web.example": f"web_{port}"}
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, ())))
        async with watched(proxy, at.woken.append):
            for path in (at.places.config, Path(at.designer.map_path)):
                content = path.read_text()
                edit(path)
                await until(partial(has, path, content))
        assert told(at) == [f"file {at.places.config} was changed", f"file {at.designer.map_path} was changed"]


async def test_where_it_is_to_be_reported_a_changed_file_stays_until_it_is_written_or_an_operator_asks(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at:
        proxy = at.proxy(heals=False)
        await reach(proxy, table_of(("/web", port, ())))
        content = at.text
        async with watched(proxy, at.woken.append):
            edit(at.places.config)
            await until(lambda: "a file was changed by somebody else" in at.woken)
            assert [problem.subject for problem in proxy.refused] == [f"file {at.places.config}"]
            assert at.text != content
            await proxy.save(proxy.desired(table_of(("/web", port, ()))))
            assert (at.text, proxy.refused) == (content, ())
            at.places.config.unlink()
            proxy.heal()
            await until(at.places.config.exists)
        assert at.text == content


async def test_haproxy_that_dies_over_a_broken_file_serves_again(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy, table = at.proxy(heals=False), table_of(("/web", port, (task.port,)))
        await reach(proxy, table)
        async with watched(proxy, at.woken.append):
            at.places.config.write_bytes(at.text.replace("balance", "blance").encode() + b"# M\xfcller\n")
            os.kill(await at.master_pid(), signal.SIGKILL)
            await until(lambda: any("no HAProxy answers" in news for news in at.woken))
            await until_reached(proxy, table)
        assert (await get(port)).body == str(task.port)
        assert len(at.told(ProxyStarted)) == 2
