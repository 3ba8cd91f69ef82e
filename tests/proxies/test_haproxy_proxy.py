"""HaproxyProxy with real HAProxies: servers come and go, structures reload, and no request is lost."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import anyio
import pytest

from milepost.errors import ConfigRefused, ProxyGone
from milepost.model.notice import ProxyAdopted, ProxyStarted
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.observe import parse_config
from milepost.proxies.haproxy.process import Launch
from support.haproxy import each_haproxy, free_ports, reach, stage, table_of, watched
from support.traffic import clients, fake_tasks, get
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.system, each_haproxy]


async def test_servers_come_and_go_under_load_without_a_failed_request_or_a_reload(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(3) as (one, two, three):
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, (one.port,))))
        worker = await at.worker_pid()
        async with clients(port) as seen:
            await until(lambda: seen.answers[str(one.port)] > 20)
            await reach(proxy, table_of(("/web", port, (one.port, two.port, three.port))))
            await until(lambda: min(seen.answers[str(two.port)], seen.answers[str(three.port)]) > 20)
            await proxy.apply(
                proxy.plan(proxy.desired(table_of(("/web", port, (three.port,)))), before := await proxy.observe()),
                before,
            )
            asked = one.requests + two.requests
            answered = seen.answers[str(three.port)]
            await until(lambda: seen.answers[str(three.port)] > answered + 50)
            assert one.requests + two.requests <= asked + 4  # the requests that were on their way
        await reach(proxy, table_of(("/web", port, (three.port,))))
        assert seen.failures == []
        assert await at.worker_pid() == worker


async def test_a_request_under_way_ends_on_a_removed_server_which_is_then_deleted(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1, held=True) as (task,), anyio.create_task_group() as group:
        proxy = at.proxy()
        actual = (await reach(proxy, table_of(("/web", port, (task.port,))))).actual
        answers = []

        async def one_request() -> None:
            answers.append(await get(port))

        group.start_soon(one_request)
        await until(lambda: task.requests == 1)
        none = proxy.desired(table_of(("/web", port, ())))
        outcome = await proxy.apply(proxy.plan(none, actual), actual)
        assert (outcome.applied, outcome.leftovers) == (1, 1)
        assert (await get(port)).status == 503
        task.gate.set()
        await until(lambda: bool(answers))
        assert answers[0].status == 200
        with anyio.fail_after(5):
            while outcome.leftovers:
                outcome = await proxy.apply(proxy.plan(none, outcome.actual), outcome.actual)
        assert outcome.actual.servers[f"web_{port}"] == {}
        assert not proxy.plan(none, await proxy.observe())


async def test_a_new_structure_is_reloaded_under_load_without_a_failed_request(binary: Binary, tmp_path: Path) -> None:
    port, other = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, (task.port,))))
        worker = await at.worker_pid()
        async with clients(port) as seen:
            await until(lambda: sum(seen.answers.values()) > 20)
            for _ in range(3):
                await reach(proxy, table_of(("/web", port, (task.port,)), ("/more", other, (task.port,))))
                assert (await get(other)).body == str(task.port)
                outcome = await reach(proxy, table_of(("/web", port, (task.port,))))
                assert outcome.reloaded
            answered = sum(seen.answers.values())
            await until(lambda: sum(seen.answers.values()) > answered + 50)
        assert seen.failures == []
        assert await at.worker_pid() != worker


async def test_a_task_that_is_replaced_just_before_a_reload_gets_no_request_from_the_old_worker(
    binary: Binary, tmp_path: Path
) -> None:
    """With the lines of the run profile: a worker that stops hands its clients' last requests to the new one."""
    port, *others = free_ports(6)
    profile = Profile(str(tmp_path / "a.sock"), str(tmp_path), 4096, ("127.0.0.1",), 0, 0, 0, 0, version=binary.numbers)
    async with stage(binary, tmp_path) as at, fake_tasks(len(others) + 1) as tasks:
        proxy = at.proxy(designer=RunDesigner(profile))
        await reach(proxy, table_of(("/web", port, (tasks[0].port,))))
        async with clients(port, count=8) as seen:
            for old, new, other in zip(tasks, tasks[1:], others, strict=False):
                await until(partial(seen.has, old.port, 20))
                actual = (await reach(proxy, table_of(("/web", port, (old.port, new.port))))).actual
                wanted = partial(proxy.desired, table_of(("/web", port, (new.port,)), ("/more", other, ())))
                await proxy.apply(proxy.plan(wanted(), actual), actual)
                asked = old.requests
                assert (await proxy.restructure(wanted)).reloaded
                await until(partial(seen.has, new.port, 100))
                assert old.requests <= asked + 8  # the requests that were on their way
        assert seen.failures == []


async def test_hosts_lead_elsewhere_at_run_time(binary: Binary, tmp_path: Path) -> None:
    one, two = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (web, api):
        proxy, table = at.proxy(), table_of(("/web", one, (web.port,)), ("/api", two, (api.port,)))
        await reach(proxy, table)
        worker = await at.worker_pid()
        at.designer.hosts = {"api.example": f"api_{two}"}
        await reach(proxy, table)
        assert (await get(one, "api.example")).body == str(api.port)
        at.designer.hosts = {"api.example": f"web_{one}", "web.example": f"api_{two}"}
        await reach(proxy, table)
        assert (await get(two, "api.example")).body == str(web.port)
        at.designer.hosts = {}
        await reach(proxy, table)
        assert (await get(one, "web.example")).body == str(web.port)
        assert await at.worker_pid() == worker


async def test_the_next_milepost_adopts_what_runs_without_touching_it(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        table = table_of(("/web", port, (task.port,)))
        first = at.proxy()
        await reach(first, table)
        await first.save(first.desired(table))
        worker = await at.worker_pid()
        second = at.proxy()
        outcome = await reach(second, table)
        assert outcome.applied == 0
        assert at.told(ProxyAdopted) == [ProxyAdopted("haproxy", worker, reload_needed=False)]
        assert len(at.told(ProxyStarted)) == 1
        assert await at.worker_pid() == worker


async def test_an_adopted_haproxy_that_needs_another_structure_is_reloaded_not_started(
    binary: Binary, tmp_path: Path
) -> None:
    (port, other) = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        await reach(at.proxy(), table_of(("/web", port, (task.port,))))
        master = await at.master_pid()
        proxy = at.proxy()
        outcome = await reach(proxy, table_of(("/web", port, (task.port,)), ("/api", other, (task.port,))))
        assert outcome.reloaded
        assert proxy.refused == ()
        assert at.told(ProxyAdopted)
        assert await at.master_pid() == master
        assert (await get(other)).status == 200


@pytest.mark.parametrize("victim", ["worker", "master"])
async def test_a_killed_haproxy_serves_again_from_the_last_file(binary: Binary, tmp_path: Path, victim: str) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (one, two):
        proxy = at.proxy()
        table = table_of(("/web", port, (one.port,)))
        await reach(proxy, table)
        table = table_of(("/web", port, (two.port,)))
        actual = (await reach(proxy, table)).actual
        await proxy.save(proxy.desired(table))
        async with watched(proxy, at.woken.append):
            os.kill(await at.worker_pid() if victim == "worker" else await at.master_pid(), signal.SIGKILL)
            await until(lambda: "HAProxy was started, since it had died" in at.woken)
            assert (await get(port)).body == str(two.port)
        again = await proxy.observe()
        assert again.pid != actual.pid
        assert again.servers == actual.servers


async def test_a_haproxy_that_was_never_started_is_started_from_the_file_of_the_last_run(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        first = at.proxy()
        await reach(first, table_of(("/web", port, (task.port,))))
        assert await first.stop(grace_s=0.1) is not None
        assert await first.stop(grace_s=0.1) is None
        async with watched(at.proxy(), at.woken.append):
            await until(lambda: at.woken == ["HAProxy was started, since it did not run"])
            assert (await get(port)).status == 200


async def test_a_haproxy_that_a_killed_milepost_was_just_starting_gets_no_second_one_beside_it(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at:
        first = at.proxy()
        await reach(first, table_of(("/web", port, ())))
        await first.stop(grace_s=0.1)
        at.notices.clear()
        how = Launch(binary.path, at.places.config, at.places.master_socket, at.places.pid_file, {})
        starting = begin(how)
        second = at.proxy()
        async with watched(second, at.woken.append):
            await until(lambda: starting.poll() is not None)
            with anyio.fail_after(10):
                while not (await second.observe()).pid:
                    await anyio.sleep(0.01)
            await anyio.wait_all_tasks_blocked()
        assert at.told(ProxyStarted) == []


async def test_a_file_of_somebody_else_is_not_started(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        at.places.config.write_text("global\n  description our old balancer\n")
        proxy = at.proxy()
        async with watched(proxy, at.woken.append):
            await anyio.wait_all_tasks_blocked()
            assert at.told(ProxyStarted) == []
            await reach(proxy, table_of(("/web", port, (task.port,))))
            os.kill(await at.master_pid(), signal.SIGKILL)
            await until(lambda: len(at.told(ProxyStarted)) == 2)


async def test_an_app_whose_text_is_refused_is_withheld_and_all_others_go_live(binary: Binary, tmp_path: Path) -> None:
    one, two, three = free_ports(3)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        at.designer.extra = {"/bad": ("blance roundrobin",), "/worse": ("stick match src table nowhere",)}
        proxy = at.proxy()
        table = table_of(("/bad", one, (task.port,)), ("/good", two, (task.port,)), ("/worse", three, ()))
        await reach(proxy, table)
        assert [problem.app_id for problem in proxy.refused] == ["/bad", "/worse"]
        assert "'blance'" in proxy.refused[0].message
        assert "unable to find stick-table 'nowhere'" in proxy.refused[1].message
        assert (await get(two)).status == 200
        worker = await at.worker_pid()
        assert not proxy.plan(proxy.desired(table), await proxy.observe())
        at.designer.extra = {}
        moved = table_of(("/bad", three, (task.port,)), ("/good", two, (task.port,)))
        await reach(proxy, moved)
        assert proxy.refused == ()
        assert (await get(three)).status == 200
        assert await at.worker_pid() != worker


async def test_an_app_that_stays_refused_costs_the_others_no_reload(binary: Binary, tmp_path: Path) -> None:
    one, two = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        at.designer.extra = {"/bad": ("blance roundrobin",)}
        proxy = at.proxy()
        await reach(proxy, table_of(("/good", two, (task.port,))))
        worker, text = await at.worker_pid(), at.text
        outcome = await reach(proxy, table_of(("/bad", one, (task.port,)), ("/good", two, (task.port,))))
        assert [problem.app_id for problem in proxy.refused] == ["/bad"]
        assert not outcome.reloaded
        assert await at.worker_pid() == worker
        assert at.text == text


async def test_a_refused_shared_section_leaves_the_old_configuration_serving_and_in_the_file(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy, table = at.proxy(), table_of(("/web", port, (task.port,)))
        await reach(proxy, table)
        worker, text = await at.worker_pid(), at.text
        at.designer.shared = ("nonsense here",)
        with pytest.raises(ConfigRefused, match=r"what ran before still runs: line \d+: unknown keyword 'nonsense'"):
            await reach(proxy, table)
        assert (await get(port)).status == 200
        assert await at.worker_pid() == worker
        assert at.text == text


async def test_a_reload_that_fails_after_the_check_puts_the_old_file_back(binary: Binary, tmp_path: Path) -> None:
    port, taken = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (task, stranger):
        proxy, table = at.proxy(), table_of(("/web", port, (task.port,)))
        await reach(proxy, table)
        text = at.text
        at.designer.extra = {"/web": ("# moved",)}
        at.designer.shared = (f"stats socket ipv4@127.0.0.1:{stranger.port}",)  # the check tries no port
        with pytest.raises(ConfigRefused, match="the old one serves"):
            await reach(proxy, table)
        assert at.text == text
        assert (await get(port)).status == 200
        at.designer.shared = ()
        await reach(proxy, table_of(("/web", port, (task.port,)), ("/more", taken, (task.port,))))
        assert (await get(taken)).status == 200


async def test_a_port_that_somebody_has_is_that_services_problem_until_it_is_free(
    binary: Binary, tmp_path: Path
) -> None:
    port, taken = free_ports(2)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy = at.proxy()
        table = table_of(("/web", port, (task.port,)), ("/late", taken, (task.port,)))
        async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=taken):
            await reach(proxy, table)
            assert [(p.app_id, p.subject) for p in proxy.refused] == [("/late", f"port {taken}")]
            assert "taken by another process" in proxy.refused[0].message
            assert (await get(port)).status == 200
        async with watched(proxy, at.woken.append):
            await until(lambda: f"port {taken} is free now" in at.woken)
            await reach(proxy, table)
        assert proxy.refused == ()
        assert (await get(taken)).status == 200


async def test_haproxy_gets_no_variable_that_is_not_named(
    binary: Binary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARATHON_PASSWORD", "s3cret")
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at:
        at.environment["SITE"] = "north"
        shown = "%[env(SITE)]-%[env(MARATHON_PASSWORD)]"
        at.designer.extra = {"/web": (f"http-request return status 200 content-type text/plain lf-string {shown}",)}
        await reach(at.proxy(), table_of(("/web", port, ())))
        assert (await get(port)).body == "north-"
        assert "s3cret" not in environment_of(await at.worker_pid())


async def test_an_error_never_quotes_a_file_that_a_label_names(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    secret = tmp_path / "secret"
    secret.write_text("hunter2 is it\n")
    async with stage(binary, tmp_path) as at:
        at.designer.extra = {
            "/web": (f"acl mine src -f {secret}", f"http-request deny if {{ src,map_ip({secret}) -m found }}")
        }
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, ())))
        assert len(proxy.refused) == 1
        assert "hunter2" not in proxy.refused[0].message


async def test_a_foreign_reload_is_noticed_and_the_old_worker_is_let_go(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy, table = at.proxy(), table_of(("/web", port, (task.port,)))
        actual = (await reach(proxy, table)).actual
        async with watched(proxy, at.woken.append):
            os.kill(await at.master_pid(), signal.SIGUSR2)
            await until(lambda: bool(at.woken))
            await until(lambda: has_ended(actual.pid))
        assert (await proxy.observe()).pid == await at.worker_pid()
        assert not proxy.plan(proxy.desired(table), await proxy.observe())


async def test_changes_sent_to_a_worker_that_was_replaced_are_not_taken_for_applied(
    binary: Binary, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy = at.proxy()
        actual = (await reach(proxy, table_of(("/web", port, ())))).actual
        wanted = table_of(("/web", port, (task.port,)))
        os.kill(await at.master_pid(), signal.SIGUSR2)
        with anyio.fail_after(10):
            while True:
                try:
                    if await at.worker_pid() != actual.pid:
                        break
                except ProxyGone:
                    await anyio.sleep(0.01)
        with pytest.raises(ProxyGone):
            await proxy.apply(proxy.plan(proxy.desired(wanted), actual), actual)
        await reach(proxy, wanted)
        assert (await get(port)).status == 200


async def test_servers_that_cannot_be_added_at_run_time_come_with_a_reload(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, ()), balance="static-rr"))
        outcome = await reach(proxy, table_of(("/web", port, (task.port,)), balance="static-rr"))
        assert outcome.reloaded
        assert (await get(port)).body == str(task.port)


async def test_a_server_that_haproxy_refuses_at_run_time_comes_with_a_reload(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        proxy = at.proxy()
        at.designer.options = ("init-addr none",)
        await reach(proxy, table_of(("/web", port, ())))
        outcome = await reach(proxy, table_of(("/web", port, (task.port,))))
        assert outcome.reloaded
        assert (await get(port)).body == str(task.port)


async def test_attached_haproxy_is_reloaded_by_its_sockets_and_never_started(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(1) as (task,):
        table = table_of(("/web", port, (task.port,)))
        attached = at.proxy(is_own=False)
        with pytest.raises(ProxyGone, match="no HAProxy answers"):
            await attached.observe()
        await reach(at.proxy(), table_of(("/web", port, ())))
        at.designer.extra = {"/web": ("option httpchk",)}
        outcome = await reach(attached, table)
        assert outcome.reloaded
        assert (await get(port)).body == str(task.port)


async def test_a_haproxy_to_attach_to_is_noticed_as_soon_as_it_has_come(binary: Binary, tmp_path: Path) -> None:
    async with stage(binary, tmp_path) as at, watched(at.proxy(is_own=False), at.woken.append):
        await until(lambda: any("no HAProxy answers" in news for news in at.woken))
        await reach(at.proxy(), table_of(("/web", free_ports(1)[0], ())))
        worker = await at.worker_pid()
        await until(lambda: f"another HAProxy worker runs, pid {worker}" in at.woken)


async def test_the_file_written_behind_describes_what_runs(binary: Binary, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with stage(binary, tmp_path) as at, fake_tasks(2) as (one, two):
        proxy = at.proxy()
        await reach(proxy, table_of(("/web", port, (one.port,))))
        table = table_of(("/web", port, (one.port, two.port)))
        actual = (await reach(proxy, table)).actual
        await proxy.save(proxy.desired(table))
        filed = parse_config(at.text)
        assert filed.digest == actual.digest
        assert filed.servers == actual.servers
        at.designer.extra = {"/web": ("blance x",)}
        before = at.text
        await proxy.save(proxy.desired(table))
        assert at.text == before


def begin(how: Launch) -> subprocess.Popen[bytes]:
    return subprocess.Popen(how.command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def environment_of(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


def has_ended(pid: int) -> bool:
    """Also where nobody has waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
