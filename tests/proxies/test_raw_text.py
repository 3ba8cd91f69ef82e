"""What app owners may write into HAProxy's configuration: what is refused, what is taken, what comes of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.own_sections import own_frontend
from milepost.proxies.haproxy.raw.directives import Place, check_line
from milepost.proxies.haproxy.raw.refused import Refused
from milepost.proxies.haproxy.raw.review import RawReview
from milepost.proxies.haproxy.raw.words import line_of, lines_of
from milepost.proxies.haproxy.render import render_sections
from milepost.proxies.haproxy.structure import StructureMaker
from milepost.routing.marathon_lb import TEMPLATES, WITHOUT_EFFECT
from milepost.routing.own_texts import Reviewed, no_texts
from support.own_texts import TAKEN_LINES

WEB = Service(
    "web_80",
    "/web",
    0,
    80,
    "http",
    hosts=("a.example",),
    serves_app_id=True,
)
SECTION, TRUSTED = RawReview(), RawReview(is_trusted=True)
PROFILE = Profile("/run/a.sock", "/maps", 2_000, bind=("127.0.0.1",), certificate_list="/certs")


def review(templates: dict[str, str], judge: RawReview = SECTION, service: Service = WEB) -> Reviewed:
    return judge(_with(service, templates))


def _with(service: Service, templates: dict[str, str]) -> Service:
    return replace(service, templates=templates)


REFUSED_LINES = [
    # words
    ("backend", 'http-request set-header X "open', "a quote is not closed"),
    ("backend", "http-request set-header X open\\", "a quote is not closed"),
    ("backend", "acl a path /\x0bprogram", "cannot be printed"),
    ("backend", "acl a path /\u2028program", "cannot be printed"),
    ("backend", "acl a path /\x00", "cannot be printed"),
    ("backend", "acl a path " + "/a " * 70, "more than 60 words"),
    ("backend", "acl a path /" + "a" * 2_000, "longer than"),
    ("backend", 'http-request set-header X "$HOME"', "variables of the environment"),
    ("backend", 'http-request set-header X "${HOME}"', "variables of the environment"),
    ("backend", 'http-request set-header X a"b\\\\${HOME}"', "variables of the environment"),
    ("backend", 'http-request set-header X "a\\nb"', "line breaks"),
    ("backend", "http-request set-header X a\\x0ab", "line breaks"),
    # keywords
    ("backend", "program x", "'program' is not among the keywords"),
    ("backend", '"program" x', "'program' is not among the keywords"),
    ("backend", "pro\\x67ram x", "'program' is not among the keywords"),
    ("backend", "'log' 10.0.0.1 local0", "'log' is not among"),
    ("frontend", "log stdout format raw local0", "'log' is not among"),
    ("backend", "stats enable", "'stats' is not among"),
    ("backend", "source 10.0.0.1", "'source' is not among"),
    ("frontend", "capture request header Host len 9", "'capture' is not among"),
    ("frontend", "log-format %[env(HOME)]", "'log-format' is not among"),
    ("backend", "errorfile 503 /etc/passwd", "'errorfile' is not among"),
    ("backend", "errorfiles x", "'errorfiles' is not among"),
    ("backend", "errorloc 503 /x", "'errorloc' is not among"),
    ("backend", "http-error status 503 file /etc/passwd", "'http-error' is not among"),
    ("backend", "external-check command /bin/sh", "'external-check' is not among"),
    ("backend", "option external-check", "option external-check is not among"),
    ("backend", "option transparent", "option transparent is not among"),
    ("backend", "filter spoe engine x config /f", "'filter' is not among"),
    ("backend", "email-alert mailers m", "'email-alert' is not among"),
    ("backend", "server-state-file-name /x", "'server-state-file-name' is not among"),
    ("backend", "load-server-state-from-file global", "'load-server-state-from-file' is not among"),
    ("backend", "no log", "'no' is not among"),
    ("backend", "use_backend other_80", "'use_backend' is not among"),
    ("backend", "bind :80", "'bind' is not among"),
    ("frontend", "description milepost x", "'description' is not among"),
    ("frontend", ".if 0", "'.if' is not among"),
    # where it leads and listens
    ("frontend", "use_backend other_80", "only the app's own backend web_80"),
    ("frontend", "use_backend %[req.hdr(host)]", "only the app's own backend"),
    ("frontend", "default_backend other_80", "only the app's own backend"),
    ("frontend", "bind *:443", "the service's own port 80"),
    ("frontend", "bind 10.0.0.1:79-81", "expected one port"),
    ("frontend", "bind :80,:443", "expected an IP address"),
    ("frontend", "bind unix@/run/x.sock", "expected one port"),
    ("frontend", "bind /run/x.sock", "expected one port"),
    ("frontend", "bind fd@3", "expected one port"),
    ("frontend", "bind abns@x:80", "expected an IP address"),
    ("frontend", "bind sockpair@3:80", "expected an IP address"),
    ("frontend", "bind fe80::1%lo:80", "expected an IP address"),
    ("frontend", "bind *:80 uid 0", "'uid' is not among the options"),
    ("frontend", "bind *:80 ssl crt-list /x", "'crt-list' is not among the options"),
    ("frontend", "bind *:80 expose-fd listeners", "'expose-fd' is not among the options"),
    ("frontend", "bind *:80 interface eth0", "'interface' is not among the options"),
    ("frontend", "bind *:80 ssl crt x.pem", "absolute path"),
    *(
        ("frontend", f"bind *:80 ssl crt {path}", "no device, without ..")
        for path in ("/dev/zero", "//dev/zero", "/./dev/zero", "/etc/../dev/zero", "/proc/self/fd/0", "/sys/x", "/dev")
    ),
    ("frontend", "bind *:80 ssl crt", "without its argument"),
    ("frontend", "mode health", "http or tcp"),
    # acls, samples and formats
    ("backend", "acl a hdr(host) -f /etc/passwd", "-f reads a file"),
    ("backend", "acl a hdr(host) -i -f /etc/passwd", "-f reads a file"),
    ("backend", "acl a hdr(host) -i '-f' /etc/passwd", "-f reads a file"),
    ("backend", "acl a hdr(host) -M -f /etc/passwd", "reads a file"),
    ("backend", "acl a env(HOME) -m found", "'env' is not among the samples"),
    ("backend", "acl a lua.x -m found", "'lua.x' is not among"),
    ("backend", "acl a hdr(host),map(/etc/passwd) -m found", "'map' is not among"),
    ("backend", "acl a hdr(host),lua.x -m found", "'lua.x' is not among"),
    ("backend", "acl a hdr(host),debug(x) -m found", "'debug' is not among"),
    ("backend", "acl a var(proc.x) -m found", "only variables of a session"),
    ("backend", "acl a src,set-var(proc.x) -m found", "only variables of a session"),
    ("backend", "acl a http_auth(user_other_80)", "own list of users, user_web_80"),
    ("backend", "acl a src_clr_gpc0(t)", "is not among the samples"),
    ("backend", "acl a hdr(a(b)) x", "not allowed in arguments"),
    ("backend", "acl a hdr(host", "not allowed in arguments"),
    ("backend", "acl a% path /", "no name of an acl"),
    ("backend", "acl a", "expected a name and a sample"),
    ("backend", "http-request set-header X %[env(HOME)]", "'env' is not among"),
    ("backend", "http-request set-header X a%[src]b%[env(HOME)]", "'env' is not among"),
    ("backend", "http-request set-header X %{+Q}[env(HOME)]", "flags and names"),
    ("backend", "http-request set-header X %(n)[env(HOME)]", "flags and names"),
    ("backend", "http-request set-header X %[src", "%[ without ]"),
    ("backend", "http-request set-header if %[env(HOME)]", "no name of an acl"),
    ("backend", "http-request deny if { env(HOME) -m found }", "'env' is not among"),
    ("backend", "http-request deny if { src -f /etc/passwd }", "-f reads a file"),
    ("backend", "http-request deny if !{ src -f /etc/passwd }", "-f reads a file"),
    ("backend", "http-request deny if { src 10.0.0.1", "a brace is not closed"),
    ("backend", "http-request deny if", "a condition without a word"),
    # actions
    ("backend", "http-request lua.x", "the action 'lua.x'"),
    ("backend", "http-request use-service lua.x", "the action 'use-service'"),
    ("backend", "http-request use-service prometheus-exporter", "the action 'use-service'"),
    ("backend", "http-request set-map(/maps/hosts.map) x y", "the action 'set-map'"),
    ("backend", "http-request del-map(/maps/hosts.map) x", "the action 'del-map'"),
    ("backend", "http-request add-acl(/x) y", "the action 'add-acl'"),
    ("backend", "http-request capture req.hdr(host) len 9", "the action 'capture'"),
    ("backend", "http-request set-dst ipv4(127.0.0.1)", "the action 'set-dst'"),
    ("backend", "http-request set-src src", "the action 'set-src'"),
    ("backend", "http-request do-resolve(txn.a,r) str(x)", "the action 'do-resolve'"),
    ("backend", "http-request set-var(proc.x) src", "only variables of a session"),
    ("backend", "http-request set-var-fmt(proc.x) src", "the action 'set-var-fmt'"),
    ("backend", "http-request set-var(txn.x) env(HOME)", "'env' is not among"),
    ("backend", "http-request unset-var(proc.x)", "only variables of a session"),
    ("backend", "http-request return status 200 content-type a file /etc/passwd", "'file' is not among"),
    ("backend", "http-request return status 200 lf-file /etc/passwd", "'lf-file' is not among"),
    ("backend", "http-request return errorfile /etc/passwd", "'errorfile' is not among"),
    ("backend", "http-request deny errorfiles x", "'errorfiles' is not among"),
    ("backend", "http-request track-sc0 src table other_80", "expected one sample"),
    ("backend", "http-request redirect location %[env(HOME)]", "'env' is not among"),
    ("backend", "redirect location %[env(HOME)]", "'env' is not among"),
    ("backend", "http-response set-header X %[lua.x]", "'lua.x' is not among"),
    ("frontend", "tcp-request connection expect-proxy layer4", "the action 'expect-proxy'"),
    ("frontend", "tcp-request connection set-src src", "the action 'set-src'"),
    ("frontend", "tcp-request content use-service lua.x", "the action 'use-service'"),
    ("frontend", "tcp-request content lua.x", "the action 'lua.x'"),
    # what takes memory, and steps of checks
    ("backend", "stick-table type ip size 100m", "at most 1m"),
    ("backend", "stick-table type string len 4096 size 1k", "at most 128"),
    ("backend", "stick-table type ip size 1k peers p", "'peers' is not among"),
    ("backend", "stick on src table other_80", "without another table"),
    ("backend", "stick on env(HOME)", "'env' is not among"),
    ("backend", "http-check connect addr 127.0.0.1", "'addr' is not among"),
    ("backend", "tcp-check connect via-socks4", "'via-socks4' is not among"),
    ("backend", "tcp-check send-lf %[env(HOME)]", "'env' is not among"),
    ("backend", "http-check set-var(proc.x) src", "expected one of"),
    ("backend", "balance lua", "is not among the algorithms"),
    ("backend", "default-server addr 127.0.0.1", "'addr' is not among"),
    ("backend", "default-server source 127.0.0.1", "'source' is not among"),
    ("backend", "timeout tunnel never", "and a time"),
]


@pytest.mark.parametrize(("section", "line", "reason"), REFUSED_LINES)
def test_a_line_that_reaches_out_of_its_section_is_refused_with_the_reason(
    section: str, line: str, reason: str
) -> None:
    with pytest.raises(Refused) as found:
        check_line(line_of(line), section, Place("web_80", 80))
    assert reason in str(found.value)


@pytest.mark.parametrize(("section", "line"), TAKEN_LINES)
def test_a_line_of_its_own_section_is_taken(section: str, line: str) -> None:
    check_line(line_of(line), section, Place("web_80", 80))


def test_words_are_those_that_haproxy_sees() -> None:
    assert line_of(r"""a\ b 'c "d' "e\"f"g \x41 h#i""").words == ("a b", 'c "d', 'e"fg', "A", "h")
    assert line_of("acl a path /x\\  # why").text == "acl a path /x\\ "  # else the backslash would end the line
    assert [line.text for line in lines_of("\n  # only a comment\n\tacl a  path   /x # why\n")] == ["acl a path /x"]


REFUSED_TEXTS = [
    ("BACKEND_HEAD", "backend {backend}\n  mode http\nprogram x\n  command sh", "would leave its section"),
    ("BACKEND_HEAD", 'backend {backend}\n"program" x', "would leave its section"),
    ("BACKEND_HEAD", "backend other_80\n  mode http", "expected the section's own header 'backend web_80'"),
    ("BACKEND_HEAD", "  mode http", "expected the section's own header"),
    ("BACKEND_HEAD", "backend {backend} from milepost_frontends", "expected the section's own header"),
    ("BACKEND_HEAD", "backend {backend}\n'mode' http", "stands in quotes"),
    ("BACKEND_HEAD", 'backend {backend}\nmode "http"', "stands in quotes"),
    ("FRONTEND_HEAD", "frontend {backend}\n  bind *:443", "own port 80"),
    ("BACKEND_HTTP_OPTIONS", ".if 0", "would leave its section"),
    ("BACKEND_HTTP_OPTIONS", "server x 127.0.0.1:9095", "the servers are those of the app's tasks"),
    ("BACKEND_STICKY_OPTIONS", "log global", "'log' is not among"),
    ("FRONTEND_BACKEND_GLUE", "use_backend {backnd}", "unknown placeholder {backnd}"),
    ("FRONTEND_BACKEND_GLUE", "use_backend {backend} if { src 10.0.0.1 }", "a lone"),
    ("HTTP_FRONTEND_ACL", "{hostname} x", "is not among the keywords"),
    ("HTTP_FRONTEND_ACL", "http-request {hostname}", "the action"),
    ("HTTP_FRONTEND_ACL", "use_backend other_80", "only the app's own backend"),
    ("HTTP_FRONTEND_ACL", "use_backend {backend} if somebodys_acl", "no acl 'somebodys_acl'"),
    ("HTTP_FRONTEND_ACL", "option httplog", "is not among the keywords that are allowed in a shared frontend"),
    ("BACKEND_SERVER_OPTIONS", "server a {host_ipv4}:{port}\nlog global", "expected one line"),
    ("BACKEND_SERVER_OPTIONS", "server a 127.0.0.1:9095", "is not that of a task"),
    ("BACKEND_SERVER_OPTIONS", "server a unix@/run/a.sock", "expected an address and a port"),
    ("BACKEND_SERVER_OPTIONS", "server a abns@x:80", "is not that of a task"),
    ("BACKEND_SERVER_OPTIONS", "server a {host_ipv4}", "expected an address and a port"),
    ("BACKEND_SERVER_OPTIONS", "server a {host_ipv4}:{port} source 10.0.0.1", "'source' is not among"),
    ("BACKEND_SERVER_OPTIONS", "server a {host_ipv4}:{port} addr 10.0.0.1", "'addr' is not among"),
    ("BACKEND_SERVER_OPTIONS", "server a {host_ipv4}:{port} socks4 10.0.0.1:1", "'socks4' is not among"),
    ("BACKEND_SERVER_OPTIONS", "server a {host_ipv4}:{port} ca-file x", "absolute path"),
    ("BACKEND_SERVER_OPTIONS", "server a {host_ipv4}:{port} sni env(HOME)", "'env' is not among"),
    ("BACKEND_SERVER_OPTIONS", "server a {host_ipv4}:{port} cookie a;show", "expected words without blanks"),
    ("BACKEND_SERVER_OPTIONS", 'server a {host_ipv4}:{port} cookie "$HOME"', "variables of the environment"),
    ("BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS", "check source 10.0.0.1", "'source' is not among"),
]


@pytest.mark.parametrize(("name", "text", "reason"), REFUSED_TEXTS)
def test_a_text_that_leaves_its_place_is_a_problem_that_names_app_label_and_reason(
    name: str, text: str, reason: str
) -> None:
    problems = review({name: text}).problems
    assert [(problem.app_id, problem.subject) for problem in problems] == [("/web", f"HAPROXY_0_{name}")]
    assert reason in problems[0].message


def test_a_host_cannot_become_a_keyword_once_another_is_lost() -> None:
    """The first of the hosts makes the line harmless; a conflict may take it away later."""
    service = replace(WEB, hosts=("acl", "program"), several_hosts=True)
    assert review({"BACKEND_STICKY_OPTIONS": "acl a path /\n{hostname} x path /"}, service=service).problems


def test_an_own_backend_keeps_its_text_when_another_app_has_its_name() -> None:
    text = "use_backend web_80 if {{ path / }}"
    service = review({"FRONTEND_BACKEND_GLUE": text}).service
    assert service is not None
    (section,) = (
        section
        for section in StructureMaker(PROFILE).structure([replace(service, name="web_80_1f")], ()).sections
        if section.keyword == "frontend" and section.name == "web_80_1f"
    )
    assert "use_backend web_80_1f if { path / }" in section.lines


@pytest.mark.parametrize(
    "name", ["FRONTEND_HEAD", "BACKEND_HEAD", "HTTP_FRONTEND_ACL_WITH_AUTH", "BACKEND_HTTP_OPTIONS"]
)
def test_without_a_text_that_may_close_something_the_service_is_left_out(name: str) -> None:
    reviewed = review({name: "lua-load x"})
    assert reviewed.service is None
    assert "the port is left out" in reviewed.problems[0].message


def test_without_any_other_text_the_usual_one_is_used() -> None:
    reviewed = review({"BACKEND_STICKY_OPTIONS": "lua-load x", "BACKEND_HTTP_OPTIONS": "option forwardfor"})
    assert reviewed.service is not None
    assert reviewed.service.templates == {"BACKEND_HTTP_OPTIONS": "option forwardfor"}
    assert "the usual text is used" in reviewed.problems[0].message


def test_switched_off_every_own_text_is_a_problem() -> None:
    for name in TEMPLATES - WITHOUT_EFFECT:
        (problem,) = no_texts(_with(WEB, {name: ""})).problems
        assert (problem.subject, "policy.raw" in problem.message) == (f"HAPROXY_0_{name}", True)


def test_a_trusted_text_may_say_what_it_likes_within_its_section() -> None:
    text = 'log global\n  errorfile 503 /x\n  http-request set-header X "$HOME"'
    assert not review({"BACKEND_HTTP_OPTIONS": text}, TRUSTED).problems


@pytest.mark.parametrize(
    "text",
    ["program x", "'program' x", '"$X" y', ".endif", "server a 10.0.0.1:80", "acl a path /\n\nfrontend x", "a 'b"],
)
def test_even_a_trusted_text_never_leaves_its_section(text: str) -> None:
    assert review({"BACKEND_HTTP_OPTIONS": text}, TRUSTED).service is None


def test_an_empty_frontend_head_is_a_service_without_a_listener() -> None:
    reviewed = review({"FRONTEND_HEAD": "", "FRONTEND_BACKEND_GLUE": ""})
    assert reviewed.service is not None
    assert not reviewed.service.listens


HEADERS = ("global", "defaults", "frontend", "backend", "listen", "program", "userlist", "peers", ".if")
pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [*HEADERS, "\n", "\r", "'", '"', "\\", "{{", "}}", "{backend}", "{hostname}", "#", " ", "$X", "\t"]
        ),
        st.sampled_from(["acl", "use_backend", "http-request", "deny", "if", "bind *:80", "mode http", "option"]),
        st.text(max_size=5),
    ),
    max_size=12,
).map("".join)


@given(pieces)
def test_a_line_reads_the_same_when_it_is_written_again(text: str) -> None:
    try:
        line = line_of(text.replace("\t", " ").strip(" "))
    except Refused:
        return
    again = line_of(line.text)
    assert (again.words, again.text) == (line.words, line.text)


@given(st.sampled_from(sorted(TEMPLATES - WITHOUT_EFFECT)), pieces, st.sampled_from([SECTION, TRUSTED]))
def test_no_text_whatever_leaves_its_section(name: str, text: str, judge: RawReview) -> None:
    service = review({name: text}, judge).service
    if service is None:
        return
    profile = PROFILE if judge is SECTION else Profile("/a", "/m", 2_000, trusts_owners=True)
    made, usual = (StructureMaker(profile).structure([one], ()) for one in (service, _with(service, {})))
    assert set(_headers(render_sections(made.sections))) <= set(_headers(render_sections(usual.sections)))


def _headers(text: str) -> list[tuple[str, ...]]:
    """The sections that HAProxy would see, in whatever way their headers are written."""
    lines = (line_of(raw.strip()) for raw in text.split("\n"))
    headers = (line.words[:2] for line in lines if line.words and line.words[0].startswith((*HEADERS, ".")))
    ours = ("backend", "milepost_to_new_tls")  # there where an own listener speaks TLS
    return [header for header in headers if header[0] in HEADERS and header != ours]


BOUND = replace(WEB, bind_addr="192.0.2.1")


@pytest.mark.parametrize("address", ["192.0.2.2", "[::]", "0.0.0.0"])
def test_who_asks_for_one_address_may_not_bind_another(address: str) -> None:
    (problem,) = review({"FRONTEND_HEAD": f"frontend {{backend}}\n  bind {address}:80"}, service=BOUND).problems
    assert "expected the address of BIND_ADDR, 192.0.2.1" in problem.message


@pytest.mark.parametrize("address", ["*", "", "192.0.2.1", "{bindAddr}"])
def test_every_address_is_that_one_for_who_asks_for_one(address: str) -> None:
    service = review({"FRONTEND_HEAD": f"frontend {{backend}}\n  bind {address}:80"}, service=BOUND).service
    assert service is not None
    assert own_frontend(service, PROFILE, is_hitless=True).lines[0] == "bind 192.0.2.1:80"
