"""What goes on while HAProxy's structure changes: servers come and go in the old worker, and the new one has them."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest

from milepost.errors import ProxyError, ProxyGone
from milepost.model.notice import ForeignChanges, ProxyStarted
from milepost.proxies.base import Outcome
from milepost.proxies.haproxy.actual import Actual
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Desired
from milepost.proxies.haproxy.proxy import HaproxyProxy
from support.haproxy import each_haproxy, free_ports, reach, stage, table_of, watched
from support.traffic import fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]


class Reload:
    """A change of structure that runs beside what the test does."""

    def __init__(self, proxy: HaproxyProxy, wanted: Callable[[], Desired]) -> None:
        self._proxy, self._wanted = proxy, wanted
        self.result: Outcome[Actual] | ProxyError | None = None
        self.asked = anyio.Event()
        self.ended = anyio.Event()

    async def run(self) -> None:
        try:
            self.result = await self._proxy.restructure(self._ask)
        except ProxyError as error:
            self.result = error
        self.ended.set()

    def _ask(self) -> Desired:
        self.asked.set()
        return self._wanted()


def checked_when(path: Path, binary: Binary, folder: Path) -> Binary:
    """A HAProxy whose check ends once `path` is there."""
    program = folder / "slow-haproxy"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = -c ]; then while ! [ -e {path} ]; do sleep 0.02; done; fi\nexec {binary.path} "$@"\n'
    )
    program.chmod(0o755)
    return replace(binary, path=program)


async def test_servers_change_during_the_check_and_the_new_worker_starts_with_what_they_are_then(
    binary: Binary, tmp_path: Path
) -> None:
    port, other = free_ports(2)
    go_on = tmp_path / "go-on"
    go_on.touch()
    slow = checked_when(go_on, binary, tmp_path)
    async with stage(slow, tmp_path) as at, fake_tasks(2) as (old, new), anyio.create_task_group() as tasks:
        proxy = at.proxy()
        actual = (await reach(proxy, table_of(("/web", port, (old.port,))))).actual
        go_on.unlink()
        newest = table_of(("/web", port, (old.port,)), ("/more", other, (old.port,)))
        reload = Reload(proxy, lambda: proxy.desired(newest))
        tasks.start_soon(reload.run)
        with anyio.fail_after(10):
            await reload.asked.wait()
            newest = table_of(("/web", port, (new.port,)), ("/more", other, (new.port,)))
            outcome = await proxy.apply(proxy.plan(proxy.desired(newest), actual), actual)
            assert outcome.applied
            assert (await get(port)).body == str(new.port)
            assert not reload.ended.is_set()
            go_on.touch()
            await reload.ended.wait()
        assert isinstance(reload.result, Outcome)
        assert reload.result.reloaded
        assert f"127.0.0.1:{old.port}" not in at.text
        assert (await get(port)).body == (await get(other)).body == str(new.port)
        assert not proxy.plan(proxy.desired(newest), reload.result.actual)
        assert not proxy.plan(proxy.desired(newest), await proxy.observe())


async def test_the_first_start_waits_for_no_check(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    never = checked_when(tmp_path / "never-there", binary, tmp_path)
    async with stage(never, tmp_path) as at, fake_tasks(1) as (task,):
        await reach(at.proxy(), table_of(("/web", port, (task.port,))))
        assert (await get(port)).body == str(task.port)


async def test_a_change_that_was_planned_for_the_replaced_worker_reaches_no_other(
    binary: Binary, tmp_path: Path
) -> None:
    port, other = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (old, new):
        proxy = at.proxy()
        actual = (await reach(proxy, table_of(("/web", port, (old.port,))))).actual
        wanted = proxy.desired(table_of(("/web", port, (new.port,))))
        late = proxy.plan(wanted, actual)
        await reach(proxy, table_of(("/web", port, (old.port,)), ("/more", other, (old.port,))))
        with pytest.raises(ProxyGone, match="another HAProxy worker runs now"):
            await proxy.apply(late, actual)
        assert (await get(port)).body == str(old.port)


async def test_a_haproxy_that_dies_during_the_check_is_started_again_at_once(binary: Binary, tmp_path: Path) -> None:
    port, other = free_ports(2)
    go_on = tmp_path / "go-on"
    async with stage(checked_when(go_on, binary, tmp_path), tmp_path) as at, fake_tasks(1) as (task,):
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, (task.port,))))
        table = table_of(("/web", port, (task.port,)), ("/more", other, (task.port,)))
        reload = Reload(proxy, partial(proxy.desired, table))
        async with watched(proxy, at.woken.append), anyio.create_task_group() as tasks:
            tasks.start_soon(reload.run)
            await reload.asked.wait()
            os.kill(await at.master_pid(), signal.SIGKILL)
            await until(lambda: len(at.told(ProxyStarted)) == 2)
            assert (await get(port)).body == str(task.port)
            assert not reload.ended.is_set()
            go_on.touch()
            with anyio.fail_after(10):
                await reload.ended.wait()
            assert isinstance(reload.result, Outcome)
            assert (await get(other)).body == str(task.port)
            assert at.told(ForeignChanges) == []


async def test_a_haproxy_that_dies_in_a_reload_is_not_waited_for(binary: Binary, tmp_path: Path) -> None:
    """Its master is stopped, so that the reload does not end by itself."""
    port, other = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,), anyio.create_task_group() as tasks:
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, (task.port,))))
        text, master = at.text, await at.master_pid()
        table = table_of(("/web", port, (task.port,)), ("/more", other, (task.port,)))
        reload = Reload(proxy, partial(proxy.desired, table))
        tasks.start_soon(reload.run)
        with anyio.fail_after(4):  # less than any limit on an answer
            while at.text == text:
                await anyio.sleep(0.001)
            os.kill(master, signal.SIGSTOP)
            os.kill(master, signal.SIGKILL)
            await reload.ended.wait()
        assert isinstance(reload.result, ProxyError)
        assert at.text == text, "what ran last stands in the file, from which HAProxy is started again"
