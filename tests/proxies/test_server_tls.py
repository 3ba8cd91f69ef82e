"""TLS to tasks and in their checks: the words of a server, and that real HAProxies take them while they run."""

import csv
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from milepost.model.routing import Check, Endpoint, RoutingTable, ServerTls, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.operator_files import SERVER_CA, newest_copy, take_certificates
from milepost.proxies.haproxy.runtime import AdminSocket
from milepost.proxies.haproxy.server_tls import tls_words
from support.certificates import certificate_of, pem
from support.echo import ask, echo_task
from support.haproxy import Stage, each_haproxy, free_ports, reach, stage

PLAIN = Service("web_1", "/web", 0, 1, "http", check=Check("http", "/", 1, 1, 3))
HTTPS = replace(PLAIN, check=Check("http", "/", 1, 1, 3, is_tls=True))


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (PLAIN, ()),
        (HTTPS, ("check-ssl", "verify none")),
        (replace(PLAIN, server_tls=ServerTls.UNVERIFIED), ("ssl", "verify none")),
        (replace(HTTPS, server_tls=ServerTls.VERIFIED), ("ssl", "check-ssl", "verify required ca-file /ca")),
    ],
)
def test_a_server_says_no_more_of_tls_than_it_needs(service: Service, words: tuple[str, ...]) -> None:
    assert tls_words(service, "/ca") == words


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_leaves_what_was_trusted(text: str, tmp_path: Path) -> None:
    source = tmp_path / "ca"
    source.write_text(pem("one"))
    assert take_certificates(source, tmp_path) == ""
    source.write_text(text)
    assert take_certificates(source, tmp_path) == "holds no certificate that can be read"
    assert take_certificates(tmp_path / "none", tmp_path).startswith("cannot be read: No such file")
    copy = newest_copy(tmp_path, SERVER_CA)
    assert copy is not None
    assert copy.read_text() == certificate_of(pem("one"))


def test_the_certificates_of_before_stay_for_the_configuration_that_serves(tmp_path: Path) -> None:
    source, copies = tmp_path / "ca", []
    for name in ("one", "two", "one"):
        source.write_text(pem(name))
        take_certificates(source, tmp_path)
        copies.append(newest_copy(tmp_path, SERVER_CA))
    assert copies[0] == copies[2] != copies[1]
    assert all(copy is not None and copy.exists() for copy in copies)


def speaking_tls(name: str, folder: Path) -> ssl.SSLContext:
    file = folder / f"{name}.pem"
    file.write_text(pem(name))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def on(port: int) -> tuple[Endpoint, ...]:
    return (Endpoint(f"t{port}", "127.0.0.1", "127.0.0.1", port),)


@pytest.mark.system
@pytest.mark.anyio
@each_haproxy
async def test_a_running_haproxy_takes_servers_that_speak_tls(binary: Binary, tmp_path: Path) -> None:
    """Also after a reload, when they stand in the file. Whom nobody trusts gets no request, checked or not."""
    ca, ports = tmp_path / "ca.pem", free_ports(4)
    ca.write_text(certificate_of(pem("known")))
    made = Profile(
        str(tmp_path / "a.sock"), str(tmp_path), 2_000, ("127.0.0.1",), 0, 0, 0, 0, server_ca=str(ca), slow_start_s=0.0
    )
    asked = {"any": ServerTls.UNVERIFIED, "known": ServerTls.VERIFIED, "stranger": ServerTls.VERIFIED}
    checked = {"any": True, "known": True, "stranger": False}
    services = tuple(
        Service(name, f"/{name}", 0, port, "http", server_tls=tls, check=HTTPS.check if checked[name] else None)
        for (name, tls), port in zip(asked.items(), ports, strict=False)
    )
    known, stranger = (speaking_tls(name, tmp_path) for name in ("known", "stranger"))
    async with (
        stage(binary, tmp_path) as staged,
        echo_task(tls=known) as signed,
        echo_task(tls=stranger) as unsigned,
    ):
        proxy = staged.proxy(designer=RunDesigner(made))
        pools = {"any": on(unsigned), "known": on(signed), "stranger": on(unsigned)}
        await reach(proxy, RoutingTable(services, dict.fromkeys(pools, ())))
        outcome = await reach(proxy, RoutingTable(services, pools))
        assert not outcome.reloaded
        assert await statuses(services) == {"any": 200, "known": 200, "stranger": 503}
        await pass_their_checks(staged, "any", "known")
        more = (*services, Service("more", "/more", 0, ports[3], "http", check=HTTPS.check, server_tls=asked["any"]))
        outcome = await reach(proxy, RoutingTable(more, {**pools, "more": on(signed)}))
        assert outcome.reloaded
        assert await statuses(more) == {"any": 200, "known": 200, "stranger": 503, "more": 200}


async def pass_their_checks(staged: Stage, *backends: str) -> None:
    """HAProxy asks each of their tasks over TLS, and is content."""
    admin = AdminSocket(staged.places.admin_socket)
    with anyio.fail_after(10):
        while True:
            (text,) = await admin.ask(["show stat"])
            rows = csv.DictReader(text.removeprefix("# ").splitlines())
            passed = {row["pxname"] for row in rows if row["check_status"] == "L7OK"}
            if passed.issuperset(backends):
                break
            await anyio.sleep(0.05)
    await admin.close()


async def statuses(services: tuple[Service, ...]) -> Mapping[str, int]:
    return {one.name: (await ask(one.port)).status for one in services}
