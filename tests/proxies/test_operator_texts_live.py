"""The operator's own words in real HAProxies: accepted without a warning, effective, and no harm to requests."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from milepost.errors import SettingsError
from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.contract.head import head_text
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN
from milepost.proxies.haproxy.operator.given import Given
from milepost.proxies.haproxy.operator.texts import OperatorTexts, Written, read_texts
from milepost.proxies.haproxy.operator.trial import try_texts
from milepost.proxies.haproxy.raw.seats import SEATS
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from support.haproxy import each_haproxy, free_ports, reach, stage
from support.traffic import FakeTask, ask, fake_tasks, get

pytestmark = [pytest.mark.system]

HEAD = head_text(None, ("redispatch", "dontlognull")).replace("timeout client 30s", "timeout client 31s")
HTTP_HEAD = (
    "frontend marathon_http_in\n  bind *:80\n  mode http\n  http-request set-header X-Shared yes\n  maxconn 500\n"
)
OPTIONS = "redispatch,http-server-close,httpclose,dontlognull"


def texts(ports: list[int], **templates: str) -> OperatorTexts:
    given = {name: Given(text, name) for name, text in templates.items()}
    lines = ("log-format %ci,%b", "compression algo gzip")
    where = {HTTP_IN: ports[0], BY_APP_ID: ports[1]}
    return read_texts(Written(given, ("tune.bufsize 32768",), lines, OPTIONS, where))


def profile(folder: Path, ports: list[int], found: OperatorTexts) -> Profile:
    return Profile(
        admin_socket=str(folder / "a.sock"),
        map_dir=str(folder),
        max_files=4_000,
        bind=("127.0.0.1",),
        http_port=ports[0],
        https_port=0,
        appid_port=ports[1],
        stats_port=ports[2],
        heads=found.heads,
        global_lines=found.global_lines,
        defaults_lines=found.defaults_lines,
    )


def completed(found: OperatorTexts, service: Service) -> Service:
    overlay = found.overlay(trusts_owners=False)
    reviewed = overlay(service) if overlay else None
    assert reviewed is not None
    assert reviewed.service is not None
    assert not reviewed.problems
    return reviewed.service


def table(service: Service, *tasks: FakeTask) -> RoutingTable:
    pool = tuple(Endpoint(f"t{task.port}", "127.0.0.1", "127.0.0.1", task.port) for task in tasks)
    return RoutingTable((service,), {service.name: pool})


@each_haproxy
@pytest.mark.anyio
async def test_haproxy_takes_all_templates_heads_and_lines_together(binary: Binary, tmp_path: Path) -> None:
    ports = [8_080, 9_091, 9_090]
    found = texts(ports, HEAD=HEAD, HTTP_FRONTEND_HEAD=HTTP_HEAD, **{name: BY_NAME[name].text for name in SEATS})
    await try_texts(found, profile(tmp_path, ports, found), binary.path, tmp_path, {})
    assert [path async for path in anyio.Path(tmp_path).iterdir()] == []


@each_haproxy
@pytest.mark.anyio
async def test_what_it_refuses_is_told_before_any_app_has_it(binary: Binary, tmp_path: Path) -> None:
    ports = [8_080, 9_091, 9_090]
    for name, line in (("BACKEND_HTTP_OPTIONS", "http-request misspelt"), ("HEAD", "global\n  misspelt 1")):
        found = texts(ports, **{name: line})
        with pytest.raises(SettingsError) as error:
            await try_texts(found, profile(tmp_path, ports, found), binary.path, tmp_path, {})
        told = line.rpartition("  ")[2]
        assert str(error.value).startswith(f"HAProxy refuses the operator's own text: {told!r}: ")


@each_haproxy
@pytest.mark.anyio
async def test_the_operators_words_have_their_effect(binary: Binary, tmp_path: Path) -> None:
    ports = free_ports(4)
    head = f"{HTTP_HEAD}  http-request return status 418 if {{ path /teapot }}\n".replace("*:80", f"*:{ports[0]}")
    answer = "http-request return status 429 if { path /slow } { req.hdr(x-shared) yes }"
    found = texts(ports, HTTP_FRONTEND_HEAD=head, BACKEND_HTTP_OPTIONS=answer)
    assert not found.problems
    plain = Service(f"web_{ports[3]}", "/web", 0, ports[3], "http", hosts=("a.example",))
    async with stage(binary, tmp_path) as staged, fake_tasks(1) as (task,):
        proxy = staged.proxy(designer=RunDesigner(profile(tmp_path, ports, found)))
        await reach(proxy, table(completed(found, plain), task))
        statuses = [(await get(ports[0], "a.example", path)).status for path in ("/", "/teapot", "/slow")]
        assert statuses == [200, 418, 429]
        assert [(await get(ports[3], "", path)).status for path in ("/teapot", "/slow")] == [200, 200]


@each_haproxy
@pytest.mark.anyio
async def test_options_that_close_connections_cost_no_request_over_a_reload_and_a_change_of_tasks(
    binary: Binary, tmp_path: Path
) -> None:
    """`http-server-close` and `httpclose` are marathon-lb's: they cost new connections, and nothing else."""
    ports = free_ports(4)
    found = texts(ports)
    assert {"option http-server-close", "option httpclose"} < set(found.defaults_lines)
    plain = Service(f"web_{ports[3]}", "/web", 0, ports[3], "http")
    async with stage(binary, tmp_path) as staged, fake_tasks(2) as (old, new):
        proxy = staged.proxy(designer=RunDesigner(profile(tmp_path, ports, found)))
        await reach(proxy, table(plain, old))
        async with await anyio.connect_tcp("127.0.0.1", plain.port) as idle:
            outcome = await reach(proxy, table(replace(plain, balance="leastconn"), new))
            assert outcome.reloaded
            answer = await ask(idle, BufferedByteReceiveStream(idle), "any.example")
        assert (answer.status, answer.body) == (200, str(new.port))
        assert (await get(plain.port)).body == str(new.port)
