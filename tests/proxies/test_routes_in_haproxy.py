"""What owners may ask of the shared ports, in real HAProxies: one start for many claims."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from milepost.model.routing import Endpoint, RoutingTable, Service, Timeouts
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from support.echo import ask, echo_task
from support.haproxy import each_haproxy, free_ports, reach, stage
from support.traffic import FakeTask, fake_tasks, get

pytestmark = [pytest.mark.system, pytest.mark.anyio]

NOWHERE = "nowhere"


def profile(folder: Path) -> Profile:
    http_port, appid_port = free_ports(2)
    return Profile(
        admin_socket=str(folder / "a.sock"),
        map_dir=str(folder),
        max_files=2_000,
        bind=("127.0.0.1",),
        http_port=http_port,
        https_port=0,
        appid_port=appid_port,
        stats_port=0,
    )


def web(name: str, *hosts: str, path: tuple[str, ...] = ()) -> Service:
    return Service(name, f"/{name}", 0, 0, "http", hosts=hosts, path=path)


@asynccontextmanager
async def serving(binary: Binary, made: Profile, folder: Path, *services: Service) -> AsyncIterator[Mapping[str, str]]:
    """Each service with a port and a task of its own; gives the names of the services by what their tasks answer."""
    ports = free_ports(len(services))
    placed = [replace(one, port=one.port or port) for one, port in zip(services, ports, strict=True)]
    async with stage(binary, folder) as staged, fake_tasks(len(placed)) as tasks:
        pools = {one.name: at(task) for one, task in zip(placed, tasks, strict=True)}
        await reach(staged.proxy(designer=RunDesigner(made)), RoutingTable(tuple(placed), pools))
        yield {str(task.port): one.name for one, task in zip(placed, tasks, strict=True)}


def at(task: FakeTask) -> tuple[Endpoint, ...]:
    return (Endpoint(f"t{task.port}", "127.0.0.1", "127.0.0.1", task.port),)


@each_haproxy
async def test_a_host_leads_to_the_name_then_the_wildcard_then_the_expression_then_to_all(
    binary: Binary, tmp_path: Path
) -> None:
    made = profile(tmp_path)
    services = (
        web("exact", "a.example"),
        web("limited", "b.example", path=("/b",)),
        web("wide", "*.example"),
        web("narrow", "*.in.example"),
        web("narrow_api", "*.in.example", path=("/api",)),
        web("numbered", "~shop[0-9]{1,2}[.](one|two)[.]test"),
        web("longer_path", "*", path=("/only/here", "/v1")),
        web("path", "*", path=("/only",)),
    )
    expected = {
        ("a.example", "/"): "exact",
        ("A.EXAMPLE:8080", "/only"): "exact",
        ("b.example", "/b/1"): "limited",
        ("b.example", "/c"): "wide",
        ("x.y.example", "/"): "wide",
        ("x.in.example", "/"): "narrow",
        ("x.in.example", "/api"): "narrow_api",
        ("in.example", "/"): "wide",
        ("shop12.one.test", "/only"): "numbered",
        ("Shop1.Two.Test:80", "/"): "numbered",
        ("shop123.one.test", "/only"): "path",
        ("shop1.one.test.evil", "/"): NOWHERE,
        ("xshop1.one.test", "/"): NOWHERE,
        ("example", "/"): NOWHERE,
        ("any", "/only/here"): "longer_path",
        ("any", "/only"): "path",
        ("any", "/v1"): "longer_path",
    }
    async with serving(binary, made, tmp_path, *services) as names:
        answers = {(host, path): await get(made.http_port, host, path) for host, path in expected}
    assert {asked: names.get(answer.body, NOWHERE) for asked, answer in answers.items()} == expected
    assert {answer.status for answer in answers.values() if answer.body not in names} == {503}


@each_haproxy
async def test_whoever_has_every_host_has_what_nobody_else_has(binary: Binary, tmp_path: Path) -> None:
    made = profile(tmp_path)
    services = (web("exact", "a.example"), web("rest", "*", "rest.example"))
    async with serving(binary, made, tmp_path, *services) as names:
        answers = [await get(made.http_port, host) for host in ("a.example", "rest.example", "b.example")]
    assert [names[answer.body] for answer in answers] == ["exact", "rest", "rest"]


@each_haproxy
async def test_what_is_asked_for_one_service_holds_for_it_alone(binary: Binary, tmp_path: Path) -> None:
    """A path that is cut, a service without a listener, times of its own: one start."""
    made, (own, unheard) = profile(tmp_path), free_ports(2)
    api = replace(web("api", "a.example", path=("-i", "/Api", "/api/v1/")), port=own, strips_path=True)
    hidden = replace(web("hidden", "hidden.example"), port=unheard, listens=False)
    slow = replace(web("slow", "slow.example"), listens=False, timeouts=Timeouts(server_s=0.1, tunnel_s=0.2))
    patient = replace(web("patient"), port=free_ports(1)[0], timeouts=Timeouts(client_s=60.0))
    async with stage(binary, tmp_path) as staged, echo_task() as told, fake_tasks(1, held=True) as (silent,):
        pools = {"api": _on(told), "hidden": _on(told), "slow": _on(silent.port), "patient": _on(told)}
        await reach(staged.proxy(designer=RunDesigner(made)), RoutingTable((api, hidden, slow, patient), pools))
        targets = ("/api/users?a=/api/&b", "/API", "/api/v1/api/x", "/apis?x", "/api/v12", "/api/")
        cut = [(await ask(made.http_port, "a.example", target)).target for target in targets]
        assert cut == ["/users?a=/api/&b", "/", "/api/x", "/apis?x", "/v12", "/"]
        assert (await ask(made.http_port, "a.example", "/api/x")).header("host") == ["a.example"]
        assert (await ask(own, "any", "/api/x")).target == "/x"
        assert (await ask(made.http_port, "hidden.example")).task == told
        with pytest.raises(OSError, match="connect"):
            await anyio.connect_tcp("127.0.0.1", unheard)
        assert (await ask(made.http_port, "slow.example")).status == 504
        assert (await ask(patient.port)).task == told


def _on(port: int) -> tuple[Endpoint, ...]:
    return (Endpoint(f"t{port}", "127.0.0.1", "127.0.0.1", port),)
