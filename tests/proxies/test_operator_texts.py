"""What an operator writes in HAProxy's own words: whom it concerns, where it stands, and what is told instead."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from milepost.errors import SettingsError
from milepost.model.problem import Problem, Severity
from milepost.model.routing import Auth, Check, Rewrites, RoutingTable, Service
from milepost.proxies.haproxy.config import Profile, Section
from milepost.proxies.haproxy.contract.head import head_text
from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.operator.given import Given, given_templates
from milepost.proxies.haproxy.operator.overlay import Overlay, concerns
from milepost.proxies.haproxy.operator.texts import OperatorTexts, Written, read_texts
from milepost.proxies.haproxy.raw.review import RawReview
from milepost.proxies.haproxy.raw.seats import SEATS
from milepost.proxies.haproxy.structure import StructureMaker
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from support.apps import app, snapshot

PROFILE = Profile("/run/a.sock", "/maps", 2_000, certificate_list="/certificates")
PORTS = {HTTP_IN: 80, HTTPS_IN: 443, BY_APP_ID: 9_091}
NOTHING = OperatorTexts()
PLAIN = Service("web_80", "/web", 0, 80, "http")


def texts(templates: Mapping[str, str], **written: tuple[str, ...] | str) -> OperatorTexts:
    given = {name: Given(text, f"templates/HAPROXY_{name}") for name, text in templates.items()}
    return read_texts(replace(Written(given, ports=PORTS), **written))  # type: ignore[arg-type]  # by name, in tests


def table(found: OperatorTexts, **labels: str) -> RoutingTable:
    named = {f"HAPROXY_0_{name}": text for name, text in {"VHOST": "a.example", **labels}.items()}
    complete = found.overlay(trusts_owners=False)
    policy = Policy(("external",), review=RawReview(), complete=complete, problems=found.problems)
    return build_routing(snapshot(app("/web", labels=named, port=10_000)), policy)


def sections(found: RoutingTable, by: OperatorTexts = NOTHING) -> dict[str, Section]:
    profile = replace(PROFILE, heads=by.heads, global_lines=by.global_lines, defaults_lines=by.defaults_lines)
    made = StructureMaker(profile).structure(found.services, ()).sections
    return {" ".join((section.keyword, section.name)).strip(): section for section in made}


def messages(found: OperatorTexts) -> list[str]:
    return [problem.message for problem in found.problems]


def test_a_label_comes_before_the_operators_text_and_that_before_the_usual_one() -> None:
    found = texts({"BACKEND_STICKY_OPTIONS": "cookie OPERATOR insert", "BACKEND_HSTS_OPTIONS": "http-response allow"})
    assert "cookie OPERATOR insert" in sections(table(found, STICKY="true"))["backend web_10000"].lines
    own = table(found, STICKY="true", BACKEND_STICKY_OPTIONS="cookie OWNER insert")
    lines = sections(own)["backend web_10000"].lines
    assert "cookie OWNER insert" in lines
    assert "cookie OPERATOR insert" not in lines


def test_a_refused_label_gives_way_to_the_operators_text() -> None:
    found = texts({"BACKEND_STICKY_OPTIONS": "cookie OPERATOR insert"})
    own = table(found, STICKY="true", BACKEND_STICKY_OPTIONS="cookie x insert\nlua-load y")
    assert "cookie OPERATOR insert" in sections(own)["backend web_10000"].lines
    assert [problem.subject for problem in own.problems] == ["HAPROXY_0_BACKEND_STICKY_OPTIONS"]


def test_a_service_that_the_operators_texts_do_not_concern_stays_as_it_is() -> None:
    usual = table(texts({}))
    found = texts({"BACKEND_STICKY_OPTIONS": "cookie x insert", "USERLIST_HEAD": "userlist user_{backend}"})
    assert table(found).services == usual.services
    assert texts({}).overlay(trusts_owners=False) is None


CONCERNED = replace(
    PLAIN,
    hosts=("a.example",),
    sticky=True,
    auth=Auth("r", "u", "p"),
    networks=("10.0.0.0/8",),
    rewrites=Rewrites(hsts=True, proxypass_path="/a", revproxy_path="/b"),
)
KINDS = [
    replace(kind, path=path, auth=auth, several_hosts=several, redirects_to_https=redirects)
    for kind in (replace(CONCERNED, check=Check("http", "/", 1, 1, 1)), CONCERNED)
    for path in ((), ("/x",))
    for auth in (None, kind.auth)
    for several in (False, True)
    for redirects in (False, True)
] + [replace(CONCERNED, mode="tcp", hosts=(), check=Check("tcp", "", 1, 1, 1))]


@pytest.mark.parametrize("name", sorted(SEATS))
def test_every_template_of_services_concerns_some_and_most_do_not_concern_all(name: str) -> None:
    assert any(concerns(kind, name) for kind in KINDS)
    for_all = {"BACKEND_HEAD", "BACKEND_SERVER_OPTIONS", "FRONTEND_HEAD", "FRONTEND_BACKEND_GLUE"}
    for_http = {"BACKEND_HTTP_OPTIONS", "HTTP_FRONTEND_APPID_ACL"}
    assert concerns(PLAIN, name) == (name in for_all | for_http)


@pytest.mark.parametrize("name", sorted(SEATS))
def test_marathon_lbs_own_texts_are_taken_for_each_template(name: str) -> None:
    """People copy a file to change one line of it."""
    assert not texts({name: BY_NAME[name].text}).problems


def test_an_empty_head_keeps_every_service_off_a_port_of_its_own() -> None:
    assert [service.listens for service in table(texts({"FRONTEND_HEAD": ""})).services] == [False]


def test_rules_for_the_shared_ports_are_bound_to_the_hosts_of_each_service() -> None:
    found = texts({"HTTP_FRONTEND_ACL": "http-request deny if {{ path /x }}\nuse_backend {backend}"})
    made = sections(table(found))
    assert "use_backend web_10000 if { req.hdr(host),field(1,:),lower -m str a.example }" in (
        made["frontend marathon_http_in"].lines
    )
    assert "http-request deny if { fe_name marathon_http_in } { path /x }" in made["backend web_10000"].lines


def test_who_is_let_in_is_asked_before_the_operators_text_ends_the_rules() -> None:
    """`http-request allow` ends all rules for a request: in front of AUTH it would let everybody in."""
    found = texts({"HTTP_BACKEND_ACL_ALLOW_DENY": "http-request allow if network_allowed\nhttp-request deny"})
    hashed = "$5$salt$" + "a" * 43
    made = table(found, BACKEND_NETWORK_ALLOWED_ACL="10.0.0.0/8", AUTH=f"Shop:me:{hashed}")
    lines = sections(made)["backend web_10000"].lines
    assert "http-request deny unless network_allowed" not in lines
    asks = next(at for at, line in enumerate(lines) if line.startswith("http-request auth"))
    allows = lines.index("http-request allow if network_allowed")
    assert lines.index("acl network_allowed src 10.0.0.0/8") < asks < allows
    assert lines[allows:] == ("http-request allow if network_allowed", "http-request deny")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("BACKEND_HEAD", "backend {backend}\n  server a 10.0.0.1:80", "the servers are those of the app's tasks"),
        ("BACKEND_HEAD", "backend x", "expected the section's own header 'backend app_10000'"),
        ("BACKEND_HTTP_OPTIONS", "frontend x", "it would leave its section"),
        ("BACKEND_SERVER_OPTIONS", "server {serverName}", "expected one line"),
        ("HTTP_FRONTEND_ACL", "use_backend {backend} if no_such", "no acl 'no_such' stands before it"),
        ("HTTP_FRONTEND_ACL", "capture cookie a len 3", "'capture' is not among the keywords"),
    ],
)
def test_one_that_no_service_could_have_is_refused_with_its_file(name: str, text: str, why: str) -> None:
    with pytest.raises(SettingsError) as error:
        texts({name: text})
    assert str(error.value).startswith(f"templates/HAPROXY_{name}: ")
    assert why in str(error.value)


def test_pieces_of_one_rule_may_be_replaced_together() -> None:
    both = {"HTTP_FRONTEND_ACL_ONLY": "acl mine hdr(host) {hostname}"}
    routing = {
        "HTTP_FRONTEND_ROUTING_ONLY": "use_backend {backend} if mine",
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH": "use_backend {backend} if mine",
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH": "use_backend {backend} if mine path_{backend}",
        "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH": "use_backend {backend} if mine path_{backend}",
        "BACKEND_REDIRECT_HTTP_TO_HTTPS": "redirect scheme https if mine",
        "BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH": "redirect scheme https if mine",
    }
    assert not texts({**both, **routing}).problems
    with pytest.raises(SettingsError, match="host_a_example_app"):
        texts(both)


def test_one_that_fits_some_services_is_taken_and_the_others_are_told() -> None:
    """The usual text of a redirect speaks of an acl that is not in it."""
    found = texts({"HTTP_FRONTEND_ACL": "use_backend {backend} if {{ path /x }}"})
    assert not table(found).problems
    (problem,) = table(found, REDIRECT_TO_HTTPS="true").problems
    assert (problem.app_id, problem.subject) == ("/web", "HAPROXY_HTTP_FRONTEND_ACL")
    assert problem.message == "no acl 'host_a_example_web' stands before it; the port is left out"


def test_what_an_apps_own_values_break_is_told_of_that_app() -> None:
    overlay = Overlay({"BACKEND_HTTP_OPTIONS": "{path}"})  # a literal template: braces are braces
    assert overlay(PLAIN).service is not None
    named = Overlay({"BACKEND_HEAD": "backend {backend}\n{path} x"})
    found = named(replace(PLAIN, path=("server",)))
    assert found.service is None
    assert [problem.subject for problem in found.problems] == ["HAPROXY_BACKEND_HEAD"]


HEADS: list[tuple[str, str, tuple[str, ...], list[str]]] = [
    ("HTTP_FRONTEND_HEAD", BY_NAME["HTTP_FRONTEND_HEAD"].text, (), []),
    ("HTTPS_FRONTEND_HEAD", BY_NAME["HTTPS_FRONTEND_HEAD"].text, (), []),
    ("HTTP_FRONTEND_APPID_HEAD", BY_NAME["HTTP_FRONTEND_APPID_HEAD"].text, (), []),
    ("HTTP_FRONTEND_HEAD", "frontend marathon_http_in\n  maxconn 100 # few", ("maxconn 100",), []),
    ("HTTP_FRONTEND_HEAD", "reqadd X-A:\\ b", ("http-request add-header X-A b",), []),
    ("HTTP_FRONTEND_HEAD", "tcp-request connection reject if a", ("tcp-request session reject if a",), []),
    ("HTTP_FRONTEND_HEAD", "bind *:8080", (), ["haproxy.http_port"]),
    ("HTTP_FRONTEND_HEAD", "bind 10.0.0.1:80", (), ["haproxy.bind"]),
    ("HTTP_FRONTEND_HEAD", "bind 0.0.0.0:80 accept-proxy", (), ["haproxy.accept_proxy"]),
    ("HTTP_FRONTEND_HEAD", "bind *:80 process 1", (), ["process: no setting has it", "1: no setting has it"]),
    ("HTTPS_FRONTEND_HEAD", "bind *:443 ssl {sslCerts} alpn h2 ciphers A", (), ["haproxy.global_lines"]),
    ("HTTPS_FRONTEND_HEAD", "bind *:443 ssl crt /a.pem", (), ["haproxy.certificates"]),
    ("HTTP_FRONTEND_HEAD", "mode tcp", (), ["the shared ports speak HTTP"]),
    ("HTTP_FRONTEND_HEAD", "frontend other", (), ["marathon_http_in"]),
    ("HTTP_FRONTEND_HEAD", "backend x", (), ["it would leave the section"]),
    ("HTTP_FRONTEND_HEAD", "reqrep ^GET GET", ("reqrep ^GET GET",), ["use `http-request replace-path`"]),
]


@pytest.mark.parametrize(("name", "text", "lines", "told"), HEADS)
def test_the_lines_of_a_frontends_head_are_taken_but_for_what_settings_say(
    name: str, text: str, lines: tuple[str, ...], told: list[str]
) -> None:
    found = texts({name: text})
    assert tuple(line for some in found.heads.values() for line in some) == lines
    assert len(found.problems) == len(told)
    assert all(words in message for words, message in zip(told, messages(found), strict=True))
    assert {problem.subject for problem in found.problems} <= {f"HAPROXY_{name}"}


def test_they_stand_before_all_rules_of_their_frontend() -> None:
    found = texts({"HTTP_FRONTEND_HEAD": "http-request set-header X-A b\nuse_backend other if {{ path /x }}"})
    http, https = (
        sections(RoutingTable(), found)[f"frontend {name}"].lines for name in ("marathon_http_in", "marathon_https_in")
    )
    at = http.index("http-request set-header X-A b")
    assert http[at - 1].startswith("tcp-request connection expect-proxy")
    assert http[at + 1].startswith("use_backend milepost_to_new ")
    assert "http-request set-header X-A b" not in https


HEAD_LINES: list[tuple[str, str, str]] = [
    ("global", "maxconn 20000", "LimitNOFILE"),
    ("global", "stats socket /run/x expose-fd listeners", "haproxy.admin_socket"),
    ("global", "hard-stop-after 5s", "haproxy.hard_stop_after_s"),
    ("global", "no strict-limits", "LimitNOFILE"),
    ("global", "daemon", "milepost starts HAProxy"),
    ("global", "user haproxy", "haproxy.user"),
    ("global", "chroot /var/lib/haproxy", "the unit of milepost"),
    ("global", "server-state-file /x", "milepost knows the servers itself"),
    ("global", "frontend", "it would leave the section"),
    ("global", ".if a", "it would leave the section"),
    ("defaults", "mode tcp", "HAPROXY_{n}_MODE"),
    ("defaults", "default-server inter 2s", "BACKEND_SERVER_OPTIONS"),
    ("defaults", "http-request deny", "HTTP_FRONTEND_HEAD"),
    ("defaults", "no option redispatch", "would cost requests"),
    ("defaults", "option nolinger", "would be cut"),
]


@pytest.mark.parametrize(("section", "line", "why"), HEAD_LINES)
def test_what_is_milepost_s_to_say_is_told_of_a_head_and_refused_as_a_setting(
    section: str, line: str, why: str
) -> None:
    with pytest.raises(SettingsError) as error:
        texts({}, **{f"{section}_lines": (line,)})
    assert str(error.value).startswith(f"haproxy.{section}_lines: {line!r} ")
    assert why in str(error.value)
    if line != "frontend":
        found = texts({"HEAD": f"{section}\n  {line}\n"})
        assert (found.global_lines, found.defaults_lines) == ((), ())
        assert found.problems == (Problem("", "HAPROXY_HEAD", messages(found)[0], Severity.WARNING),)
        assert f"{line!r} of {section} is not taken: " in messages(found)[0]


def test_marathon_lbs_own_head_asks_for_nothing() -> None:
    found = texts({"HEAD": head_text(None, ("redispatch", "http-server-close", "dontlognull"))})
    assert found == OperatorTexts()


def test_what_was_changed_in_it_is_taken() -> None:
    usual = head_text(None, ("redispatch",)).replace("timeout client 30s", "timeout client 5m")
    text = usual.replace("global\n", "global\n  tune.bufsize 32768\n  maxconn 9\n", 1)
    found = texts({"HEAD": f"{text}\npeers p\n  peer a 10.0.0.1:1024\n"})
    assert (found.global_lines, found.defaults_lines) == (("tune.bufsize 32768",), ("timeout client 5m",))
    assert ["'maxconn 9'" in messages(found)[0], "section 'peers p'" in messages(found)[1]] == [True, True]
    made = sections(RoutingTable(), found)
    assert made["global"].lines[-1] == "tune.bufsize 32768"
    assert "timeout client 5m" in made["defaults"].lines
    assert made["defaults"].lines.index("timeout client 30s") < made["defaults"].lines.index("timeout client 5m")


def test_logs_go_where_a_head_of_ones_own_says() -> None:
    found = texts({"HEAD": "global\n  log 127.0.0.1 local0\ndefaults\n  log global\n"})
    assert (found.global_lines, found.defaults_lines) == (("log 127.0.0.1 local0",), ("log global",))


def test_the_options_that_marathon_lb_took_from_a_variable_are_taken() -> None:
    found = texts({}, options="dontlognull, httplog,redispatch,,nolinger,http-server-close")
    assert found.defaults_lines == ("option http-server-close", "option httplog")
    (problem,) = found.problems
    assert (problem.subject, problem.severity) == ("HAPROXY_GLOBAL_DEFAULT_OPTIONS", Severity.WARNING)
    assert "'option nolinger' is not taken: answers" in problem.message


@pytest.mark.parametrize("line", ["log 'x", "a\tb\x00"])
def test_a_line_that_haproxy_would_not_read_as_one_is_refused(line: str) -> None:
    for where in ({"defaults_lines": (line,)}, {"options": line}):
        with pytest.raises(SettingsError, match=r"haproxy\.defaults_lines: |HAPROXY_GLOBAL_DEFAULT_OPTIONS: "):
            texts({}, **where)
    with pytest.raises(SettingsError, match="templates/HAPROXY_HEAD: "):
        texts({"HEAD": f"defaults\n{line}"})


@pytest.mark.parametrize("name", [name for name in BY_NAME if name.startswith("MAP_") or "GROUPED" in name])
def test_a_template_without_a_place_here_is_told(name: str) -> None:
    (problem,) = texts({name: ""}).problems
    assert (problem.app_id, problem.subject) == ("", f"HAPROXY_{name}")
    assert problem.message.startswith("the template has no effect: ")


def test_what_is_wrong_with_the_operators_texts_is_a_problem_of_no_app() -> None:
    found = texts({"MAP_HTTP_FRONTEND_ACL": ""})
    assert table(found).problems == found.problems


def test_files_and_variables_are_named_where_they_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "HAPROXY_BACKEND_HEAD"
    file.write_text("backend {bakend}")
    with pytest.raises(SettingsError, match=rf"^{file}: .*unknown placeholder {{bakend}}"):
        given_templates({}, tmp_path)
    with pytest.raises(SettingsError, match=r"^HAPROXY_BACKEND_HEAD: .*unknown placeholder {x}"):
        given_templates({"HAPROXY_BACKEND_HEAD": "{x}"}, tmp_path)
    file.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=rf"^{file} cannot be read: it is not UTF-8 text"):
        given_templates({}, tmp_path)
    with pytest.raises(SettingsError, match=rf"^haproxy.templates: {file} is not a directory"):
        given_templates({}, file)


def test_a_variable_comes_before_a_file_and_an_empty_one_does_not(tmp_path: Path) -> None:
    (tmp_path / "HAPROXY_HEAD").write_text("global\n")
    file = Given("global\n", str(tmp_path / "HAPROXY_HEAD"))
    assert given_templates({"HAPROXY_HEAD": ""}, tmp_path) == {"HEAD": file}
    assert given_templates({"HAPROXY_HEAD": "a\\nb"}, tmp_path) == {"HEAD": Given("a\nb", "HAPROXY_HEAD")}
    assert given_templates({}, None) == {}
