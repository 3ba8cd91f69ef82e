"""Ports, hosts and names that several apps want."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.model.routing import Holders, Service
from milepost.routing.conflicts import Decision, decide_conflicts
from milepost.routing.naming import service_name
from milepost.routing.policy import Conflicts, Policy

POLICY = Policy(("external",))


def service(
    app_id: str, port: int = 10_000, *hosts: str, path: tuple[str, ...] = (), bind_addr: str = "", index: int = 0
) -> Service:
    name = service_name(app_id, port)
    return Service(name, app_id, index, port, "http", bind_addr=bind_addr, hosts=hosts, path=path)


def decide(*services: Service, holders: Mapping[str, str] | None = None, policy: Policy = POLICY) -> Decision:
    return decide_conflicts(services, policy, Holders(holders or {}))


def listening(decision: Decision) -> list[str]:
    return [service.app_id for service in decision.services if service.listens]


def test_the_lower_app_id_gets_a_port_that_nobody_held() -> None:
    decision = decide(service("/a"), service("/b"))
    assert listening(decision) == ["/a"]
    (problem,) = decision.problems
    assert (problem.app_id, problem.subject) == ("/b", "port 10000")
    assert problem.message == "is held by /a; nothing listens there for this app"


def test_who_holds_a_port_keeps_it() -> None:
    assert listening(decide(service("/a"), service("/b"), holders={"port 10000 *": "/b"})) == ["/b"]


def test_an_operator_may_prefer_the_lower_app_id() -> None:
    policy = Policy(("external",), conflicts=Conflicts.LOWER_ID)
    assert listening(decide(service("/a"), service("/b"), holders={"port 10000 *": "/b"}, policy=policy)) == ["/a"]


def test_a_holder_that_no_longer_wants_it_is_forgotten() -> None:
    decision = decide(service("/a"), holders={"port 10000 *": "/gone", "host x.example": "/gone"})
    assert decision.holders.by_key == {"port 10000 *": "/a", "name a_10000": "/a"}


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("10.0.0.1", "10.0.0.2", True),
        ("10.0.0.1", "10.0.0.1", False),
        ("10.0.0.1", "", False),
        ("10.0.0.1", "0.0.0.0", False),
        ("*", "::1", False),
    ],
)
def test_one_port_on_two_addresses_is_no_conflict(one: str, other: str, both: bool) -> None:
    decision = decide(service("/a", bind_addr=one), service("/b", bind_addr=other))
    assert listening(decision) == (["/a", "/b"] if both else ["/a"])


def test_a_host_leads_to_one_app() -> None:
    decision = decide(service("/a", 1, "x.example", "y.example"), service("/b", 2, "x.example", "z.example"))
    assert [service.hosts for service in decision.services] == [("x.example", "y.example"), ("z.example",)]
    assert decision.problems[0].subject == "host x.example"


def test_a_host_may_lead_to_several_apps_by_path() -> None:
    decision = decide(
        service("/a", 1, "x.example"),
        service("/b", 2, "x.example", path=("-i", "/b")),
        service("/c", 3, "x.example", path=("/c", "/b")),
    )
    assert [service.hosts for service in decision.services] == [("x.example",), ("x.example",), ()]
    assert [problem.subject for problem in decision.problems] == ["host x.example/b"]


def test_a_path_for_any_case_is_the_same_path() -> None:
    decision = decide(
        service("/a", 1, "x.example", path=("-i", "/API")),
        service("/b", 2, "x.example", path=("/api",)),
        holders={"host x.example/api": "/b"},
    )
    assert [service.hosts for service in decision.services] == [(), ("x.example",)]


def test_who_loses_a_host_by_one_path_keeps_no_other_path_of_it_from_others() -> None:
    decision = decide(
        service("/a", 1, "x.example", path=("/p",)),
        service("/b", 2, "x.example", path=("/p", "/q")),
        service("/c", 3, "x.example", path=("/q",)),
    )
    assert [service.hosts for service in decision.services] == [("x.example",), (), ("x.example",)]
    assert decision.holders.by_key["host x.example/q"] == "/c"


def test_who_holds_all_that_it_wants_comes_before_who_holds_some() -> None:
    decision = decide(
        service("/a", 1, "x.example", path=("/p", "/q")),
        service("/b", 2, "x.example", path=("/q",)),
        holders={"host x.example/p": "/a", "host x.example/q": "/b"},
    )
    assert [service.hosts for service in decision.services] == [(), ("x.example",)]


def test_of_two_ports_of_one_app_the_message_names_the_other() -> None:
    decision = decide(service("/a", 1, "x.example"), service("/a", 2, "x.example", index=1))
    assert decision.problems[0].message == "is wanted by port 0 of the same app too; the host does not lead to this app"


def test_of_two_apps_with_one_name_the_second_gets_another() -> None:
    decision = decide(service("/a/b"), service("/a_b"))
    first, second = (service.name for service in decision.services)
    assert first == "a_b_10000"
    assert second.startswith("a_b_10000_x")
    assert "the backend of this app is called" in decision.problems[0].message


def test_the_balancers_own_ports_are_not_for_apps() -> None:
    decision = decide(service("/a", 9090), policy=Policy(("external",), reserved_ports=frozenset({9090})))
    assert listening(decision) == []
    assert decision.problems[0].message.startswith("is one of the balancer's own ports")


services = st.builds(
    service,
    st.sampled_from(["/a", "/a/b", "/a_b", "/c"]),
    st.integers(1, 3),
    st.sampled_from(["x.example", "y.example"]),
    path=st.sampled_from([(), ("/p",), ("/p", "/q"), ("-i", "/Q"), ("/q", "/r")]),
    bind_addr=st.sampled_from(["", "10.0.0.1", "10.0.0.2"]),
    index=st.integers(0, 2),
)
tables = st.lists(services, max_size=8, unique_by=lambda s: (s.app_id, s.index)).map(
    lambda found: sorted(found, key=lambda s: (s.app_id, s.port, s.index))
)
keys = st.sampled_from(["port 1 *", "port 1 10.0.0.1", "host x.example", "host x.example/p", "name a_b_1"])
holders = st.dictionaries(keys, st.sampled_from(["/a", "/a/b", "/a_b", "/c", "/gone"]))


@given(tables, holders)
@example(
    [
        service("/a", 1, "x.example", path=("/q",)),
        service("/a", 2, "x.example", path=("/p", "/q"), index=1),
        service("/b", 1, "x.example", path=("/r",)),
    ],
    {"host x.example/p": "/a"},
)
def test_the_same_decision_comes_out_for_the_holders_that_came_out(table: list[Service], known: dict[str, str]) -> None:
    first = decide(*table, holders=known)
    second = decide_conflicts(table, POLICY, first.holders)
    assert (second.services, second.problems) == (first.services, first.problems)
    assert second.holders is first.holders


@given(tables, holders)
def test_nothing_is_shared_and_every_loser_hears_of_it(table: list[Service], known: dict[str, str]) -> None:
    decision = decide(*table, holders=known)
    names = [service.name for service in decision.services]
    assert len(set(names)) == len(names)
    bound = [(s.port, s.bind_addr) for s in decision.services if s.listens]
    assert len(set(bound)) == len(bound)
    routes = [f"host {h}{p.lower()}" for s in decision.services for h in s.hosts for p in s.path or ("",) if p != "-i"]
    assert len(set(routes)) == len(routes)
    assert set(routes) == {key for key in decision.holders.by_key if key.startswith("host ")}
    losers = {before.app_id for before, after in zip(table, decision.services, strict=True) if before != after}
    assert losers == {problem.app_id for problem in decision.problems}


@given(tables, tables)
def test_a_newcomer_takes_nothing_from_an_app_that_runs(running: list[Service], newcomers: list[Service]) -> None:
    before = decide(*running)
    apps = {service.app_id for service in running}
    table = [*running, *(service for service in newcomers if service.app_id not in apps)]
    after = decide(*sorted(table, key=lambda s: (s.app_id, s.port, s.index)), holders=before.holders.by_key)
    assert [service for service in after.services if service.app_id in apps] == list(before.services)


PASSING = replace(service("/own", 10_000, "x.example"), mode="tcp", passes_tls=True)
API = service("/web", 10_001, "x.example", path=("/api",))


@pytest.mark.parametrize(("holder", "with_host"), [("/own", ["/own"]), ("/web", ["/web"])])
def test_tls_that_passes_through_takes_all_paths_of_a_host_or_none(holder: str, with_host: list[str]) -> None:
    held = {"host x.example*": "/own"} if holder == "/own" else {"host x.example/api": "/web"}
    decision = decide(PASSING, API, holders=held)
    assert [found.app_id for found in decision.services if found.hosts] == with_host
    assert decide(PASSING, API, holders=decision.holders.by_key) == decision
