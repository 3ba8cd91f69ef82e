"""Values become HAProxy's text, and nothing that an owner writes gets out of its place."""

import re
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, NetworkMode, Snapshot, Task
from milepost.proxies.haproxy.config import Desired, Profile, Section, Server, Structure
from milepost.proxies.haproxy.contract import contract_of
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.render import Renderer, joined, render, render_map
from milepost.routing import labels
from milepost.routing.build import build_routing
from milepost.routing.label import Scope
from milepost.routing.policy import Policy

Pools = dict[str, tuple[Server, ...]]
PROFILE = Profile("/run/admin.sock", "/run/maps", max_files=20_000)


def test_sections_are_a_keyword_a_name_and_indented_lines_with_the_servers_last() -> None:
    structure = Structure((Section("global", "", ("maxconn 1",)), Section("backend", "a_1", ("mode tcp",))), "d")
    servers = {"a_1": (Server("s1", "10.0.0.1", 80, 7, ("check inter 5s",)), Server("s2", "fd00::1", 80, 8))}
    assert render(Desired(structure, servers)) == (
        "global\n  maxconn 1\n\n"
        "backend a_1\n  mode tcp\n"
        "  server s1 10.0.0.1:80 id 7 check inter 5s\n  server s2 [fd00::1]:80 id 8\n"
    )


def test_a_frontend_of_the_same_name_gets_no_servers() -> None:
    structure = Structure((Section("frontend", "a_1", ()), Section("backend", "a_1", ())), "d")
    text = render(Desired(structure, {"a_1": (Server("s1", "10.0.0.1", 80, 7),)}))
    assert text == "frontend a_1\n\nbackend a_1\n  server s1 10.0.0.1:80 id 7\n"


BACKENDS = ("a_1", "b_2", "c_3")
ONE_STRUCTURE = Structure((Section("global", "", ()), *(Section("backend", name, ()) for name in BACKENDS)), "d")
pools = st.builds(
    lambda *ports: {
        name: (Server("s", "10.0.0.1", port, 1),) for name, port in zip(BACKENDS, ports, strict=True) if port
    },
    *(st.integers(0, 3) for _ in BACKENDS),
)


@given(st.lists(st.tuples(st.booleans(), pools), max_size=5))
def test_a_version_is_rendered_as_if_there_was_none_before(versions: list[tuple[bool, Pools]]) -> None:
    renderer = Renderer()
    for is_same_structure, servers in versions:
        structure = ONE_STRUCTURE if is_same_structure else replace(ONE_STRUCTURE)
        desired = Desired(structure, servers)
        assert joined(chain.from_iterable(renderer.slices(desired))) == render(desired)


def test_two_versions_that_are_rendered_side_by_side_do_not_mix() -> None:
    other = replace(ONE_STRUCTURE, sections=ONE_STRUCTURE.sections[::-1])
    ports = [{name: (Server("s", "10.0.0.1", port, 1),) for name in BACKENDS} for port in range(3)]
    renderer = Renderer()
    list(renderer.slices(Desired(ONE_STRUCTURE, ports[0])))
    beside, second = renderer.slices(Desired(other, ports[0])), renderer.slices(Desired(ONE_STRUCTURE, ports[1]))
    assert next(beside)
    assert next(second)
    assert not [*beside, *second]
    third = Desired(ONE_STRUCTURE, {**ports[1], "c_3": ports[2]["c_3"]})
    assert joined(chain.from_iterable(renderer.slices(third))) == render(third)


def test_a_map_is_a_key_and_a_value_a_line() -> None:
    assert render_map((("a.example", "a_1"), ("b.example", "b_2"))) == "a.example a_1\nb.example b_2\n"
    assert render_map(()) == ""


def written(value: str, label: str, *, exact: bool, check_path: str = "/") -> str:
    """The text for an app that has this label on its only port, without what depends on the digest."""
    named = {"HAPROXY_GROUP": "external", "HAPROXY_0_VHOST": "plain.example", f"HAPROXY_0_{label}": value}
    check = HealthCheck(path=check_path, port_index=0)
    definition = AppDefinition("/web", named, NetworkMode.BRIDGE, (AppPort(10_000, 0),), (check,))
    task = Task("t", "10.0.0.1", "10.0.0.1", (31_000,), health=(True,))
    table = build_routing(Snapshot({"/web": App(definition, (task,))}, "test", 0.0), Policy(("external",), exact=exact))
    return contract_of(table).text if exact else render(RunDesigner(PROFILE).desired(table))


def keywords(text: str) -> set[str]:
    """The first two words of each line: what HAProxy takes it for."""
    return {" ".join(line.split()[:2]) for line in text.split("\n")}


KNOWN = {
    exact: keywords(written("true", "STICKY", exact=exact))
    | keywords(written("/p", "PATH", exact=exact))
    | keywords(written("source", "BALANCE", exact=exact))
    | keywords(written("tcp", "MODE", exact=exact))
    | {f"timeout {side}" for side in ("server", "tunnel", "client")}
    | {"http-request deny", "balance", "hash-type consistent", ""}
    for exact in (True, False)
}
texts = st.text(st.sampled_from("ab1.:/-,_* \t\n\r\x0b\x85\u2028'\"\\#$%{}[]()@;é"), max_size=10) | st.text()
VALUES = ["VHOST", "PATH", "BIND_ADDR", "MODE", "BALANCE", "PORT", "STICKY", "ENABLED", "GROUP"]
VALUES += ["RETRY_ON", "HEALTHY_SHARE", "LISTEN", "STRIP_PATH", "TIMEOUT_SERVER", "TIMEOUT_TUNNEL", "TIMEOUT_CLIENT"]
VALUES += ["SERVER_TLS", "SNI_PASSTHROUGH", "DENIED_NETWORKS", "BACKEND_HEALTHCHECK_PORT_INDEX"]
RULED = ["AUTH", "AUTH_EVERYWHERE", "BACKEND_NETWORK_ALLOWED_ACL", "REDIRECT_TO_HTTPS", "USE_HSTS", "BACKEND_WEIGHT"]
RULED += ["HTTP_BACKEND_PROXYPASS_PATH", "HTTP_BACKEND_REVPROXY_PATH", "HTTP_BACKEND_REDIR", "SSL_CERT", "BIND_OPTIONS"]
TRIED = [
    *((label, exact) for label in VALUES for exact in (True, False)),
    *((label, False) for label in RULED),  # the contract's text of these is tests/conformance's
]
HOST = "req.hdr(host),field(1,:)"
IS_PREFIXED = "{ res.fhdr(location) -m beg ~/ ~? } || { res.fhdr(location) -m str ~ }"
RULES = [  # of our own, in which an owner's text has its place; "~" stands for it
    "user ~ password ~",
    "bind *:10000 ssl crt ~",
    'http-request auth realm "~" if { fe_name marathon_http_in marathon_https_in } !{ http_auth(user_web_10000) }',
    "acl network_allowed src ~",
    "http-request deny unless network_allowed",
    f"http-request redirect prefix https://%[{HOST}] code 301 if {{ fe_name marathon_http_in }} !{{ ssl_fc }}",
    "http-response add-header Strict-Transport-Security max-age=15768000",
    "http-request set-header Host plain.example",
    "http-request replace-path (?i)^~/?(.*) /\\1",
    "http-response replace-header Location (?i)^https?://plain[.]example(?::[0-9]+)?(/(?:[^/].*)?)$ \\1",
    f"http-response replace-header Location ^(/(?:[^/].*)?)$ ~\\1 unless {IS_PREFIXED}",
    "acl is_domain req.hdr(host),field(1,:),lower -m str plain.example",
    "http-request redirect code 301 location ~ if { path / } is_domain",
]
RULE = re.compile("|".join(re.escape(rule).replace("\\~", "~").replace("~", r"""[^"'#\\{}%]+""") for rule in RULES))


def test_every_label_of_the_table_is_tried() -> None:
    assert sorted(VALUES + RULED) == sorted(label.name for label in labels.TABLE if Scope.PORT in label.scope)


@pytest.mark.parametrize(("label", "exact"), TRIED)
@given(value=texts)
@example(value="a\nprogram x\n  command id")
@example(value="/a\r\nprogram x")
@example(value="unix@/run/admin.sock")
@example(value='"${HOME}"')
@example(value="a.example # rest")
@example(value="~a[0-9]+")
@example(value="~a' } { always_true } #")
@example(value='a" if FALSE:joe:$5$salt$' + "a" * 43)
@example(value="realm:joe:$5$salt$" + "a" * 43)
@example(value="/app")
@example(value="ssl crt /a.pem ciphers HIGH:!aNULL")
@example(value="crt /a.pem uid 0")
@example(value="fd@3")
@example(value="true")
@example(value="10.0.0.0/8 -f /etc/passwd")
def test_no_label_adds_a_line_a_section_or_a_quote(label: str, exact: bool, value: str) -> None:
    every = written(value, label, exact=exact).split("\n")
    text = "\n".join(line for line in every if not (RULE.fullmatch(line.strip()) and not exact))
    if not exact:
        text = text.replace("-m reg '^(", "").replace(")$' }", " }")  # around what is left of an expression
    within_a_word = "\\$" if exact and label == "VHOST" else ""  # a host may be an expression there
    assert not set("\r\x0b\x0c\x85\u2028\"'\\#$") - set(within_a_word) & set(text)
    assert "unix@" not in text
    names = {"bind", "acl", "use_backend", "balance", "mode", "frontend", "backend", "server", "maxconn", "description"}
    names |= {"retry-on", "userlist"}
    for line in text.split("\n"):
        words = line.split()
        assert not words or words[0] in names or " ".join(words[:2]) in KNOWN[exact], line


@pytest.mark.parametrize("exact", [True, False], ids=["contract", "run"])
@given(path=texts)
@example(path="/\n  server x unix@/run/admin.sock")
@example(path="/ HTTP/1.1\\r\\nHost:x")
def test_no_check_path_adds_a_word(exact: bool, path: str) -> None:
    lines = written("true", "STICKY", exact=exact, check_path=path).split("\n")
    requests = [line.split() for line in lines if "httpchk" in line]
    assert all(len(words) == 4 for words in requests)
    assert len(requests) <= 1
