"""Hosts that stand for many: wildcards, expressions, and all of them."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Holders, Service
from milepost.model.snapshot import AppDefinition, AppPort, NetworkMode
from milepost.routing.conflicts import decide_conflicts
from milepost.routing.grammar import Hosts, Wrong
from milepost.routing.grammar_hosts import read_hosts
from milepost.routing.host_expression import host_expression
from milepost.routing.policy import Policy
from milepost.routing.reading import AppReading, read_app

POLICY = Policy(("*",))

REFUSED = [
    "",
    "a|",
    "()",
    "(a",
    "a)",
    "a**",
    "*a",
    "(a)*",
    "(a+)+",
    "(a){2}",
    "[]",
    "[z-a]",
    "[a",
    "a{2",
    "a{3,2}",
    "a{1,254}",
    "a{999}",
    "a b",
    "a'b",
    'a"b',
    "a$",
    "^a",
    r"\W",
    r"a\\b",
    "a#",
    "ä",
    "(?i)a",
    "a" * 201,
    ".*a.*b.*c",
    "a?" * 20,
    "(a|a)" * 20,
]

WRITTEN = [
    ("shop", "shop"),
    (r"Shop\d+\.example", "shop[0-9]+[.]example"),
    (r"(shop|store)-[a-z]{2,3}\.example\.com", "(shop|store)-[a-z]{2,3}[.]example[.]com"),
    (r"\w+\-x.y?", "[a-z0-9_]+-x.y?"),
    ("[^a-z.-]{2}", "[^a-z.-]{2}"),
    ("(a(b|c)?d)?e{2,}", "(a(b|c)?d)?e{2,}"),
    (".*a.*", ".*a.*"),
]


@pytest.mark.parametrize("text", REFUSED)
def test_an_expression_that_is_none_or_may_take_for_ever_is_refused(text: str) -> None:
    assert host_expression(text) is None
    assert isinstance(read_hosts(f"a.example,~{text}"), Wrong)


@pytest.mark.parametrize(("text", "written"), WRITTEN)
def test_an_expression_is_written_without_what_is_special_to_haproxy(text: str, written: str) -> None:
    assert host_expression(text) == written
    assert read_hosts(f"~{text}") == Hosts((f"~{written}",), several="," in text)


pieces = st.sampled_from(
    ["a", "b", ".", "[a-b]", r"\.", r"\d", "-", "?", "*", "+", "{1,2}", "(", ")", "|", "A", "\\", "'"]
)
names = st.text(st.sampled_from("ab0.-"), min_size=1, max_size=8)


@given(st.lists(pieces, max_size=9).map("".join), names)
@example(r"a\.b", "a.b")
@example("a|b", "ab")
def test_an_expression_means_what_its_owner_wrote(text: str, name: str) -> None:
    written = host_expression(text)
    if written is not None:
        assert not re.search(r"""['"\\$#\s]""", written)
        assert bool(re.fullmatch(written, name)) == bool(re.fullmatch(text, name, re.IGNORECASE))


def test_names_wildcards_expressions_and_all_stand_in_one_list() -> None:
    found = read_hosts(r"A.example:80, *.B.example ,~c{1,2}[0-9]+, *")
    assert found == Hosts(("a.example", "*.b.example", "~c{1,2}[0-9]+", "*"), several=True)


def test_two_apps_want_one_pattern_and_one_gets_it() -> None:
    wanted = [
        Service("a_1", "/a", 0, 1, "http", hosts=("*.x.example", "~y[0-9]")),
        Service("b_2", "/b", 0, 2, "http", hosts=("*.x.example", "*.a.x.example")),
    ]
    decision = decide_conflicts(wanted, POLICY, Holders())
    assert [service.hosts for service in decision.services] == [("*.x.example", "~y[0-9]"), ("*.a.x.example",)]
    assert [(p.app_id, p.subject) for p in decision.problems] == [("/b", "host *.x.example")]


def read(labels: dict[str, str]) -> AppReading:
    return read_app(AppDefinition("/web", labels, NetworkMode.BRIDGE, (AppPort(10_000, 0),)), POLICY)


def test_a_path_without_a_host_leads_here_on_every_host() -> None:
    (want,) = read({"HAPROXY_0_MODE": "http", "HAPROXY_0_PATH": "/api"}).wanted
    assert (want.service.hosts, want.service.path) == (("*",), ("/api",))


def test_a_path_without_a_host_needs_mode_http() -> None:
    reading = read({"HAPROXY_0_PATH": "/api"})
    (want,) = reading.wanted
    assert (want.service.hosts, want.service.path, want.service.mode) == ((), (), "tcp")
    message = "has no effect: needs mode http, but the mode is tcp"
    assert reading.problems == (Problem("/web", "HAPROXY_0_PATH", message, Severity.WARNING),)


def test_an_empty_host_is_not_every_host() -> None:
    (want,) = read({"HAPROXY_0_MODE": "http", "HAPROXY_0_VHOST": "", "HAPROXY_0_PATH": "/api"}).wanted
    assert (want.service.hosts, want.service.path) == ((), ())


def test_an_anchored_expression_is_one_as_marathon_lbs_users_wrote_it() -> None:
    assert read_hosts(r"^.*\.example\.com$") == read_hosts(r"~.*\.example\.com")
