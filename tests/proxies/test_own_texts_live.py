"""What owners write themselves, in real HAProxies: accepted, effective, and only for their own service."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from milepost.model.routing import Check, Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.raw.refused import Refused
from milepost.proxies.haproxy.raw.review import RawReview
from milepost.proxies.haproxy.raw.words import Line, line_of
from milepost.proxies.haproxy.render import render, render_map
from support.haproxy import each_haproxy, free_ports, reach, stage
from support.own_texts import TAKEN_LINES
from support.traffic import ask, fake_tasks, get

pytestmark = [pytest.mark.system]

WEB = Service("web_80", "/web", 0, 80, "http", hosts=("a.example",), serves_app_id=True)
OTHERWISE = ("crt",)  # needs a certificate
CHECK = Check("http", "/health", 5, 2, 3)


def doubled(line: str) -> str:
    """As it stands in a template, where a single brace would begin a placeholder."""
    return line.replace("{", "{{").replace("}", "}}")


TEXTS: list[Mapping[str, str]] = [
    *(
        {"FRONTEND_BACKEND_GLUE": f"{doubled(line)}\nuse_backend {{backend}}"}
        for kind, line in TAKEN_LINES
        if kind == "frontend"
    ),
    *(
        {"BACKEND_HTTP_OPTIONS": f"stick-table type ip size 1k\n{line}" if line.split()[-1] == "src" else line}
        for kind, line in TAKEN_LINES
        if kind == "backend"
    ),
    {"FRONTEND_HEAD": "frontend {backend}\n  bind {bindAddr}:{servicePort}{sslCert}{bindOptions}\n  mode {mode}\n"},
    {"FRONTEND_HEAD": "", "FRONTEND_BACKEND_GLUE": ""},
    {"BACKEND_HEAD": "backend {backend}\n  balance source\n  mode {mode}\n  option abortonclose"},
    {"BACKEND_HTTP_HEALTHCHECK_OPTIONS": "option httpchk GET {healthCheckPath}\ntimeout check 1s"},
    {"BACKEND_SERVER_OPTIONS": "server {serverName} {host_ipv4}:8080 id {serverId}{cookieOptions}{healthCheckOptions}"},
    {"BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS": "check inter 1s fall {healthCheckFalls}"},
    {
        "HTTP_FRONTEND_ACL": "  acl host_{cleanedUpHostname} hdr(host) -i {hostname}\n"
        "  acl inner src 10.0.0.0/8\n"
        "  http-request deny if host_{cleanedUpHostname} !inner\n"
        "  http-request set-header X-A 'b c' unless inner\n"
        "  use_backend {backend} if host_{cleanedUpHostname} inner or {{ path /open }}"
    },
    {"HTTPS_FRONTEND_ACL": "use_backend {backend} if {{ ssl_fc_sni {hostname} }}"},
    {
        "HTTP_FRONTEND_APPID_ACL": "acl app_{cleanedUpAppId} hdr(x-marathon-app-id) -i {appId}\n"
        "use_backend {backend} if app_{cleanedUpAppId}"
    },
]


def profile(folder: Path, ports: list[int]) -> Profile:
    http_port, appid_port, stats_port = ports
    return Profile(
        admin_socket=str(folder / "a.sock"),
        map_dir=str(folder),
        max_files=4_000,
        bind=("127.0.0.1",),
        http_port=http_port,
        https_port=0,
        appid_port=appid_port,
        stats_port=stats_port,
    )


def reviewed(service: Service, templates: Mapping[str, str]) -> Service:
    found = RawReview()(replace(service, templates=templates))
    assert not found.problems
    assert found.service is not None
    return found.service


SIGNS = ["a", "\\", "'", '"', "#", "$", "{", "}", "x41", "n", " ", "HOME", "\\x41", "\\ ", "\\\\", "-f"]


@each_haproxy
def test_a_line_has_the_words_that_haproxy_sees(binary: Binary, tmp_path: Path) -> None:
    """It tells them where it complains of a mode that it does not know."""
    chance = Random(4)
    lines = [line for line in (a_mode(chance) for _ in range(2_000)) if line is not None and not line.expands]
    for start in range(0, 400, 40):  # it gives up after 50 complaints
        some = lines[start : start + 40]
        config = tmp_path / "haproxy.cfg"
        config.write_text("frontend a\n" + "".join(f"  {line.text}\n" for line in some))
        told = subprocess.run([binary.path, "-c", "-f", config], capture_output=True, text=True, check=False).stderr
        for line in some:
            complaint = f"unknown proxy mode '{line.words[1]}'"
            if len(line.words) > 2:
                complaint = f"'mode' cannot handle unexpected argument '{line.words[2]}'"
            assert complaint in told, line


def a_mode(chance: Random) -> Line | None:
    """A line with any signs behind `mode`, None where it is refused."""
    signs = "".join(chance.choice(SIGNS) for _ in range(chance.randint(1, 8)))
    try:
        return line_of(f"mode X{signs}X")
    except Refused:
        return None


@each_haproxy
def test_haproxy_accepts_whatever_an_owner_may_write(binary: Binary, tmp_path: Path) -> None:
    services = []
    for number, templates in enumerate(text for text in TEXTS if not any(word in str(text) for word in OTHERWISE)):
        own = {name: text.replace("web_80", f"web{number}_{number + 100}") for name, text in templates.items()}
        own = {name: text.replace(":80", f":{number + 100}") for name, text in own.items()}
        service = replace(WEB, name=f"web{number}_{number + 100}", port=number + 100, app_id=f"/web{number}")
        services.append(reviewed(replace(service, hosts=(f"a{number}.example",), check=CHECK), own))
    desired = RunDesigner(profile(tmp_path, [8080, 9091, 9090])).desired(
        RoutingTable(tuple(services), {service.name: _at(1) for service in services})
    )
    config = tmp_path / "haproxy.cfg"
    users = "".join(f"userlist user_{service.name}\n  user u password x\n" for service in services)
    config.write_text(f"{users}{render(desired)}")
    for path in (*desired.maps, *desired.found_maps):
        Path(path).write_text(render_map(desired.maps.get(path, ())))
    checked = subprocess.run([binary.path, "-c", "-f", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@each_haproxy
@pytest.mark.anyio
async def test_an_owners_rules_for_a_shared_port_concern_its_own_hosts_only(binary: Binary, tmp_path: Path) -> None:
    """One writes rules for every request; the other writes none, and is not concerned."""
    ports = free_ports(5)
    made = profile(tmp_path, ports[:3])
    greedy = {
        "HTTP_FRONTEND_ACL": "acl all always_true\nhttp-request deny deny_status 429 if {{ path /secret }}\n"
        "use_backend {backend} if all or {{ path_beg / }}"
    }
    mine = reviewed(replace(WEB, name=f"aweb_{ports[3]}", app_id="/aweb", port=ports[3]), greedy)
    other = replace(WEB, name=f"b_{ports[4]}", app_id="/b", port=ports[4], hosts=("b.example",))
    async with stage(binary, tmp_path) as staged, fake_tasks(2) as (first, second):
        table = RoutingTable((mine, other), {mine.name: _at(first.port), other.name: _at(second.port)})
        await reach(staged.proxy(designer=RunDesigner(made)), table)
        answers = {
            (host, path): await get(made.http_port, host, path)
            for host in ("a.example", "b.example", "c.example")
            for path in ("/", "/secret")
        }
    assert {key: (answer.status, answer.body) for key, answer in answers.items() if answer.status == 200} == {
        ("a.example", "/"): (200, str(first.port)),
        ("b.example", "/"): (200, str(second.port)),
        ("b.example", "/secret"): (200, str(second.port)),
    }
    assert answers["a.example", "/secret"].status == 429
    assert answers["c.example", "/"].status == 503


@each_haproxy
@pytest.mark.anyio
async def test_hosts_by_an_expression_and_a_rule_of_its_owners_lead_to_it(binary: Binary, tmp_path: Path) -> None:
    """As marathon-lb's users had wildcards: `{hostname}` is the whole expression."""
    ports = free_ports(4)
    made = profile(tmp_path, ports[:3])
    rule = "acl host_{cleanedUpHostname} hdr_reg(host) -i {hostname}\nuse_backend {backend} if host_{cleanedUpHostname}"
    name = f"wild_{ports[3]}"
    wild = replace(WEB, name=name, port=ports[3], hosts=(r"~.*[.]example[.]com",))
    async with stage(binary, tmp_path) as staged, fake_tasks(1) as (task,):
        table = RoutingTable((reviewed(wild, {"HTTP_FRONTEND_ACL": rule}),), {name: _at(task.port)})
        await reach(staged.proxy(designer=RunDesigner(made)), table)
        asked = ("a.example.com", "A.B.example.com", "example.com", "a.example.com.evil")
        assert [(await get(made.http_port, host)).status for host in asked] == [200, 200, 503, 503]


@each_haproxy
@pytest.mark.anyio
async def test_a_task_of_an_own_server_line_is_added_without_a_reload(binary: Binary, tmp_path: Path) -> None:
    ports = free_ports(4)
    async with stage(binary, tmp_path) as staged, fake_tasks(1) as (task,):
        text = {"BACKEND_SERVER_OPTIONS": f"server {{serverName}} {{host_ipv4}}:{task.port} id {{serverId}} weight 7"}
        web = reviewed(replace(WEB, name=f"web_{ports[3]}", port=ports[3]), text)
        proxy = staged.proxy(designer=RunDesigner(profile(tmp_path, ports[:3])))
        await reach(proxy, RoutingTable((web,), {web.name: ()}))
        assert (await get(web.port)).status == 503
        outcome = await reach(proxy, RoutingTable((web,), {web.name: _at(1)}))
        assert not outcome.reloaded
        assert (await get(web.port)).body == str(task.port)


@each_haproxy
@pytest.mark.anyio
async def test_sources_are_told_apart_on_an_own_listener_behind_a_reload_too(binary: Binary, tmp_path: Path) -> None:
    """A rule on the source would meet the old worker's address instead of the client's."""
    ports = free_ports(5)
    text = {"FRONTEND_BACKEND_GLUE": "tcp-request connection reject if !{{ src 127.0.0.1 }}\nuse_backend {backend}"}
    web = reviewed(replace(WEB, name=f"web_{ports[3]}", port=ports[3], hosts=()), text)
    later = replace(WEB, name=f"z_{ports[4]}", port=ports[4], app_id="/z", hosts=())
    async with stage(binary, tmp_path) as staged, fake_tasks(1) as (task,):
        proxy = staged.proxy(designer=RunDesigner(profile(tmp_path, ports[:3])))
        pool = _at(task.port)
        await reach(proxy, RoutingTable((web,), {web.name: pool}))
        async with await anyio.connect_tcp("127.0.0.1", web.port) as stream:
            reader = BufferedByteReceiveStream(stream)
            assert (await ask(stream, reader, "any.example")).body == str(task.port)
            outcome = await reach(proxy, RoutingTable((web, later), {web.name: pool, later.name: pool}))
            assert outcome.reloaded
            answer = await ask(stream, reader, "any.example")
    assert (answer.status, answer.body, answer.is_last) == (200, str(task.port), True)


def _at(port: int) -> tuple[Endpoint, ...]:
    return (Endpoint(f"t{port}", "127.0.0.1", "127.0.0.1", port),)
