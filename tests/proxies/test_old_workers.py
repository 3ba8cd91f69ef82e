"""Workers that a reload has replaced: counted, and ended where they are too many. With real HAProxies."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from milepost.model.notice import Notice, OldWorkerEnded, OldWorkersSeen
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.master import MasterSocket
from milepost.proxies.haproxy.old_workers import OldWorkers, Room
from milepost.proxies.haproxy.process import end_child
from support.haproxy import each_haproxy, free_ports, reach, stage, table_of
from support.traffic import fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system]


@each_haproxy
async def test_one_old_worker_too_many_ends_the_oldest_and_no_other(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    outcomes: dict[int, str] = {}
    async with stage(binary, tmp_path) as at, fake_tasks(1, held=True) as (task,), anyio.create_task_group() as group:
        proxy, master = at.proxy(), MasterSocket(at.places.master_socket)

        async def ask(number: int) -> None:
            try:
                outcomes[number] = str((await get(port)).status)
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                outcomes[number] = "cut"

        workers = []
        for number in range(3):  # a request under way keeps the worker of each structure but the last
            at.designer.extra = {"/web": (f"# structure {number}",)}
            await reach(proxy, table_of(("/web", port, (task.port,))))
            workers.append(await at.worker_pid())
            group.start_soon(ask, number)
            await until(lambda so_far=number: task.requests > so_far)  # type: ignore[misc]  # mypy infers no default
        told: list[Notice] = []
        old_workers = OldWorkers(master, Room(1, 0.0), told.append)
        await old_workers.look()
        await old_workers.look()
        ended = [notice for notice in told if isinstance(notice, OldWorkerEnded)]
        assert [(notice.pid, notice.count, notice.error) for notice in ended] == [(workers[0], 2, "")]
        assert isinstance(told[0], OldWorkersSeen)
        assert told[0].count == 2
        with anyio.fail_after(5):
            while [worker.pid for worker in (await master.processes()).old] != [workers[1]]:
                await anyio.sleep(0.01)
        task.gate.set()
        await until(lambda: len(outcomes) == 3)
        assert outcomes == {0: "cut", 1: "200", 2: "200"}
        assert await at.worker_pid() == workers[2]


@each_haproxy
async def test_old_workers_are_counted_until_none_is_left(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1, held=True) as (task,), anyio.create_task_group() as group:
        proxy, table, told = at.proxy(), table_of(("/web", port, (task.port,))), list[Notice]()
        await reach(proxy, table)
        old_workers = OldWorkers(MasterSocket(at.places.master_socket), Room(), told.append)
        await old_workers.look()
        assert told == [], "no reload, nothing to tell"
        group.start_soon(get, port)
        await until(lambda: task.requests == 1)
        at.designer.extra = {"/web": ("# another",)}
        await reach(proxy, table)
        await at.master_pid()  # it is back from the reload
        await old_workers.look()
        task.gate.set()
        with anyio.fail_after(5):
            while told[-1] != OldWorkersSeen("haproxy", 0, 0.0):
                await anyio.sleep(0.01)
                await old_workers.look()
        assert isinstance(told[0], OldWorkersSeen)
        assert told[0].count == 1


async def test_a_master_that_does_not_answer_is_no_failure_of_counting(tmp_path: Path) -> None:
    told: list[Notice] = []
    await OldWorkers(MasterSocket(tmp_path / "nobody.sock"), Room(), told.append).look()
    assert told == []


def test_only_a_child_of_the_master_is_ended() -> None:
    """A pid that another pid namespace says may mean anybody here."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert "is no child of HAProxy's master, pid 1:" in end_child(child.pid, parent=1)
        assert child.poll() is None
        assert end_child(child.pid, parent=os.getpid()) == ""
        assert child.wait(10) == -15
    assert end_child(child.pid, parent=os.getpid()) == "no process has its pid here"


@each_haproxy
async def test_more_than_their_number_stay_while_there_is_memory_for_them(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1, held=True) as (task,), anyio.create_task_group() as group:
        proxy, master = at.proxy(), MasterSocket(at.places.master_socket)
        for number in range(3):
            at.designer.extra = {"/web": (f"# structure {number}",)}
            await reach(proxy, table_of(("/web", port, (task.port,))))
            await at.worker_pid()  # the master is back from the reload
            group.start_soon(get, port)
            await until(lambda so_far=number: task.requests > so_far)  # type: ignore[misc]  # mypy infers no default
        told: list[Notice] = []
        await OldWorkers(master, Room(1, 0.5), told.append).look()
        task.gate.set()
        assert [notice.count for notice in told if isinstance(notice, OldWorkersSeen)] == [2]
        assert not [notice for notice in told if isinstance(notice, OldWorkerEnded)]
