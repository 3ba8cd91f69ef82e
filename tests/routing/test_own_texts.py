"""What becomes of a port whose owner wrote pieces of the proxy's configuration."""

from collections.abc import Mapping

import pytest

from milepost.model.problem import Severity
from milepost.model.routing import RoutingTable
from milepost.proxies.haproxy.config import Profile, Section
from milepost.proxies.haproxy.raw.review import RawReview
from milepost.proxies.haproxy.structure import StructureMaker
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from support.apps import app, snapshot

SHARED = "{ fe_name marathon_http_in marathon_https_in }"
HASH = "$5$salt$" + "a" * 43
POLICY = Policy(("external",), reserved_ports=frozenset({9_090}), review=RawReview())
PROFILE = Profile("/run/a.sock", "/maps", 2_000)


def table(labels: Mapping[str, str], policy: Policy = POLICY, port: int = 10_000) -> RoutingTable:
    named = {"HAPROXY_0_VHOST": "a.example", **{f"HAPROXY_0_{name}": text for name, text in labels.items()}}
    return build_routing(snapshot(app("/web", labels=named, port=port)), policy)


def sections(found: RoutingTable, keyword: str) -> list[Section]:
    made = StructureMaker(PROFILE).structure(found.services, ()).sections
    return [section for section in made if section.keyword == keyword and section.app_id == "/web"]


def test_a_refused_access_rule_leaves_the_port_out_and_says_so() -> None:
    found = table({"BACKEND_HTTP_OPTIONS": "http-request lua.guard"})
    assert not found.services
    (problem,) = found.problems
    assert (problem.app_id, problem.subject, problem.severity) == (
        "/web",
        "HAPROXY_0_BACKEND_HTTP_OPTIONS",
        Severity.ERROR,
    )
    assert "'http-request lua.guard': the action 'lua.guard' is not among those that are allowed" in problem.message
    assert found.dropped["/web"][0].reason.startswith("its own text is refused: ")


def test_any_other_refused_text_is_ignored() -> None:
    found = table({"BACKEND_STICKY_OPTIONS": "cookie x insert\nlua-load y"})
    assert [service.templates for service in found.services] == [{}]
    assert [problem.subject for problem in found.problems] == ["HAPROXY_0_BACKEND_STICKY_OPTIONS"]


def test_unless_the_operator_says_how_much_owners_may_write_they_may_write_nothing() -> None:
    assert not table({"FRONTEND_HEAD": ""}, Policy(("external",))).services


@pytest.mark.parametrize("port", [10_000, 9_090])
def test_a_service_without_a_listener_of_its_own_claims_no_port(port: int) -> None:
    found = table({"FRONTEND_HEAD": "", "FRONTEND_BACKEND_GLUE": ""}, port=port)
    assert not found.problems
    assert not [key for key in found.holders.by_key if key.startswith("port ")]
    assert not sections(found, "frontend")
    assert len(sections(found, "backend")) == 1


def test_a_label_that_marathon_lb_never_used_is_told() -> None:
    found = table({"MAP_HTTP_FRONTEND_ACL": "use_backend x"})
    assert [(problem.subject, problem.severity) for problem in found.problems] == [
        ("HAPROXY_0_MAP_HTTP_FRONTEND_ACL", Severity.WARNING)
    ]


def test_own_lines_stand_in_the_place_of_those_that_labels_ask_for() -> None:
    found = table(
        {
            "AUTH": f"Shop:joe:{HASH}",
            "USE_HSTS": "true",
            "BACKEND_NETWORK_ALLOWED_ACL": "10.0.0.0/8 127.0.0.0/8",
            "HTTP_BACKEND_PROXYPASS_PATH": "/app",
            "USERLIST_HEAD": "userlist user_{backend}\n  user {user} password {passwd}\n  user eve password $5$x$y",
            "BACKEND_HSTS_OPTIONS": "rspadd Strict-Transport-Security:\\ max-age=1",
            "HTTP_BACKEND_NETWORK_ALLOWED_ACL": "acl network_allowed req.hdr_ip(x-client) {network_allowed}",
            "HTTP_BACKEND_PROXYPASS_GLUE": "http-request replace-path {proxypath}(.*) \\1",
        }
    )
    assert not found.problems
    assert sections(found, "userlist")[0].lines == (f"user joe password {HASH}", "user eve password $5$x$y")
    (backend,) = sections(found, "backend")
    assert backend.lines[-6:] == (
        "acl network_allowed req.hdr_ip(x-client) 10.0.0.0/8",
        "acl network_allowed req.hdr_ip(x-client) 127.0.0.0/8",
        "http-request deny unless network_allowed",
        f'http-request auth realm "Shop" if {SHARED} !{{ http_auth(user_web_10000) }}',
        "http-response add-header Strict-Transport-Security max-age=1",
        "http-request replace-path /app(.*) \\1",
    )


def test_an_old_directive_without_an_equal_is_refused_with_the_modern_one() -> None:
    found = table({"BACKEND_HTTP_OPTIONS": "reqisetbe ^Host:\\ x other"})
    assert not found.services
    assert "use `use_backend NAME if { ... }`" in found.problems[0].message


@pytest.mark.parametrize("name", ["USERLIST_HEAD", "BACKEND_HTTP_OPTIONS"])
def test_a_refused_text_is_told_without_its_password(name: str) -> None:
    head = "userlist user_{backend}\n" if name == "USERLIST_HEAD" else ""
    found = table({"AUTH": f"Shop:joe:{HASH}", name: f"{head}log {{passwd}} {HASH}"})
    assert found.problems
    assert not [problem for problem in found.problems if HASH in problem.message]
