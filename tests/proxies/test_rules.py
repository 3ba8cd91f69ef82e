"""The lines that labels add to a service's own backend, as values."""

from dataclasses import replace

import pytest

from milepost.model.routing import Auth, Rewrites, Service
from milepost.proxies.haproxy.rules import rule_lines, userlist
from milepost.routing.grammar_hosts import is_pattern

WEB = Service("web_80", "/web", 0, 80, "http", hosts=("a.example",))
AUTH = Auth("r", "joe", "$5$x")


def test_a_plain_service_has_no_rule() -> None:
    assert rule_lines(WEB) == ()
    assert userlist(WEB) is None


def test_who_may_come_is_asked_before_anything_is_done_with_the_request() -> None:
    rewrites = Rewrites(hsts=True, proxypass_path="/a", revproxy_path="/a", root_redirect="/a")
    web = replace(WEB, auth=AUTH, networks=("::1/128",), redirects_to_https=True, rewrites=rewrites)
    order = [
        "http-request deny unless",
        "http-request redirect prefix https",
        "http-request auth realm",
        "http-request redirect code 301 location /a",
        "http-request set-header Host a.example",
        "http-request replace-path",
    ]
    requests = [line for line in rule_lines(web) if line.startswith("http-request")]
    assert [line[: len(start)] for line, start in zip(requests, order, strict=True)] == order


def test_a_password_is_asked_also_where_no_host_leads_to_the_service() -> None:
    lines = rule_lines(replace(WEB, hosts=(), auth=AUTH))
    assert [line.split(" realm ")[0] for line in lines] == ["http-request auth"]
    found = userlist(replace(WEB, hosts=(), auth=AUTH))
    assert found is not None
    assert (found.name, found.lines, found.app_id) == ("user_web_80", ("user joe password $5$x",), "/web")


def test_connections_meet_the_rule_on_networks_only() -> None:
    raw = replace(WEB, mode="tcp", auth=AUTH, networks=("10.0.0.0/8",), redirects_to_https=True)
    assert rule_lines(raw) == (
        "acl network_allowed src 10.0.0.0/8",
        "tcp-request content reject unless network_allowed",
    )
    assert userlist(raw) is None


HOST = "req.hdr(host),field(1,:),lower"
TO_A = "http-request redirect code 301 location /a if { path / }"


@pytest.mark.parametrize(
    ("host", "roots", "names"),
    [
        ("b.example", (f"acl is_domain {HOST} -m str b.example", f"{TO_A} is_domain"), "b[.]example"),
        ("*.example", (f"{TO_A} {{ {HOST} -m end .example }}",), "[^/:]+[.]example"),
        (
            "~(a|b)[0-9]",
            (f"{TO_A} {{ {HOST},length le 253 }} {{ {HOST} -m reg '^((a|b)[0-9])$' }}",),
            "(?=[^/:]{1,253}(?:[/:]|$))(?:(?:a|b)[0-9])",
        ),
        ("*", (TO_A,), "[^/:]+"),
    ],
)
def test_a_host_that_stands_for_many_is_compared_as_such_and_told_to_no_task(
    host: str, roots: tuple[str, ...], names: str
) -> None:
    rewrites = Rewrites(proxypass_path="/p", revproxy_path="/", root_redirect="/a")
    lines = rule_lines(replace(WEB, hosts=(host,), rewrites=rewrites))
    told = () if is_pattern(host) else (f"http-request set-header Host {host}",)
    cut = "http-request replace-path (?i)^/p/?(.*) /\\1"
    moved = f"http-response replace-header Location (?i)^https?://{names}(?::[0-9]+)?(/(?:[^/].*)?)$ \\1"
    assert lines == (*roots, *told, cut, moved)
