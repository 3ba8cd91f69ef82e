"""The plan: what is done live, what needs a reload, in which order, and why."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.reload import ReloadKind
from milepost.model.shared_map import SharedMap, replaced
from milepost.proxies.haproxy.actual import NOTHING, Actual, ActualServer
from milepost.proxies.haproxy.changes import AddServer, DeleteServer, LiveChange, ReadyServer, RemoveServer
from milepost.proxies.haproxy.config import Desired, Section, Server, Structure
from milepost.proxies.haproxy.judge import after
from milepost.proxies.haproxy.plan import Planner, plan
from milepost.proxies.haproxy.verdict import Verdict
from support.fake_haproxy import FakeHaproxy

HOSTS = "/maps/hosts.map"
BACKENDS = ("a", "b", "c")
APPS = {name: f"/{name}" for name in BACKENDS}


def structure(*lines: str, digest: str = "d1", backends: tuple[str, ...] = BACKENDS) -> Structure:
    sections = tuple(Section("backend", name, lines or ("balance roundrobin",), f"/{name}") for name in backends)
    return Structure((Section("global", "", ()), *sections), digest)


def server(number: int, *options: str, address: str = "10.0.0.1") -> Server:
    return Server(f"s{number}", address, 31000 + number, number, options)


def running(number: int, address: str = "10.0.0.1", *, maint: bool = False, options: str | None = "") -> ActualServer:
    return ActualServer(f"s{number}", address, 31000 + number, number, maint=maint, up=not maint, options=options)


def desired(*servers: Server, of: Structure | None = None, maps: Mapping[str, str] | None = None) -> Desired:
    pools = {"a": servers, "b": (), "c": ()}
    return Desired(of or structure(), pools, {HOSTS: tuple((maps or {}).items())}, APPS)


def actual(*servers: ActualServer, maps: Mapping[str, str] | None = None, version: str = "2.6.12") -> Actual:
    pools = {"a": {s.name: s for s in servers}, "b": {}, "c": {}}
    return Actual(42, version, "d1", pools, {HOSTS: dict(maps or {})})


def steps(wanted: Desired, runs: Actual) -> list[str]:
    return [change.describe() for change in plan(wanted, runs).live]


def test_nothing_to_do_is_an_empty_plan() -> None:
    assert not plan(desired(server(1), maps={"x": "a"}), actual(running(1), maps={"x": "a"}))


def test_a_new_task_is_added_before_the_old_one_is_removed() -> None:
    assert steps(desired(server(2)), actual(running(1))) == [
        "add server a/s2 10.0.0.1:31002 id 2",
        "remove server a/s1",
        "delete server a/s1",
    ]


def test_a_host_leads_to_a_backend_only_after_its_servers_are_there_and_away_from_it_before_they_go() -> None:
    wanted = desired(server(2), maps={"new": "a", "moved": "a"})
    assert steps(wanted, actual(running(1), maps={"old": "a", "moved": "b"})) == [
        "add server a/s2 10.0.0.1:31002 id 2",
        "add map entry new a",
        "set map entry moved a",
        "delete map entry old",
        "remove server a/s1",
        "delete server a/s1",
    ]


def test_of_two_entries_for_one_host_the_first_counts() -> None:
    wanted = replace(desired(), maps={HOSTS: (("x", "a"), ("x", "b"))})
    assert not plan(wanted, actual(maps={"x": "a"}))


@pytest.mark.parametrize(
    ("there", "step"),
    [
        (running(1, maint=True), "ready server a/s1"),
        (replace(running(1), drain=True), "ready server a/s1"),
        (running(1, "10.0.0.9"), "move server a/s1 to 10.0.0.1 port 31001"),
        (running(1, options=None), None),
        (replace(running(1), up=False), None),
    ],
    ids=["in maint", "in drain", "elsewhere", "options unknown", "found down by its check"],
)
def test_a_wanted_server_that_is_there_is_put_right(there: ActualServer, step: str | None) -> None:
    assert steps(desired(server(1)), actual(there)) == ([step] if step else [])


@pytest.mark.parametrize(
    ("there", "step"),
    [
        (running(1), "remove server a/s1"),
        (replace(running(1), drain=True), "remove server a/s1"),
        (running(1, maint=True), None),
        (running(1, "10.0.0.9", maint=True), "move server a/s1 to 10.0.0.1 port 31001"),
    ],
    ids=["in traffic", "in drain", "in maint", "elsewhere"],
)
def test_a_server_that_a_deployment_drains_stays_out_of_traffic(there: ActualServer, step: str | None) -> None:
    assert steps(desired(replace(server(1), is_off=True)), actual(there)) == ([step] if step else [])


@pytest.mark.parametrize(
    ("wanted", "runs", "reason"),
    [
        (
            desired(server(1), of=structure("balance static-rr")),
            actual(),
            "/a: server s1: balance static-rr takes no added server",
        ),
        (
            desired(server(1), of=structure("balance hdr(Host)")),
            actual(),
            "/a: server s1: balance hdr without hash-type consistent takes no added server",
        ),
        (
            desired(server(1, "cookie s1")),
            actual(),
            "/a: server s1: a sticky server cannot be added to a running HAProxy before 2.8",
        ),
        (
            desired(replace(server(2), id=1)),
            actual(running(1)),
            "/a: server s2: its id 1 is the one of the running server s1",
        ),
        (
            desired(server(1, "check inter 5s")),
            actual(running(1)),
            "/a: the options of server s1 changed",
        ),
        (
            desired(server(1)),
            actual(replace(running(1), id=7)),
            "/a: server s1 runs with id 7 instead of 1",
        ),
    ],
)
def test_what_cannot_be_done_live_needs_a_reload_with_its_reason(wanted: Desired, runs: Actual, reason: str) -> None:
    found = plan(wanted, runs)
    assert (found.structure, found.kinds) == ((reason,), (ReloadKind.SERVER,))
    assert not [change for change in found.live if isinstance(change, AddServer)]


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        (desired(server(1, "cookie s1")), actual(version="2.8.25-5cf5d0683")),
        (desired(server(1), of=structure("balance source", "hash-type consistent")), actual()),
        (desired(server(1), of=structure("mode http")), actual()),
    ],
    ids=["sticky on 2.8", "consistent hash", "default balance"],
)
def test_what_haproxy_takes_at_run_time_needs_no_reload(wanted: Desired, runs: Actual) -> None:
    found = plan(wanted, runs)
    assert (found.structure, found.kinds) == ((), ())
    assert len(found.live) == 1


def test_a_removal_is_live_even_where_an_addition_is_not() -> None:
    assert steps(desired(of=structure("balance static-rr")), actual(running(1))) == [
        "remove server a/s1",
        "delete server a/s1",
    ]


def test_nothing_that_runs_asks_for_the_first_configuration() -> None:
    found = plan(desired(server(1)), NOTHING)
    assert (found.structure, found.kinds) == (("first configuration",), (ReloadKind.START,))


def test_a_foreign_configuration_is_left_alone_until_the_reload() -> None:
    found = plan(desired(), replace(actual(running(1)), digest=""))
    assert found.live == ()
    assert found.structure == ("the configuration that runs is not milepost's",)
    assert found.kinds == (ReloadKind.FOREIGN,)


def test_a_change_of_structure_names_the_apps_and_their_sections() -> None:
    planner = Planner()
    planner.plan(desired(), actual())
    after = Structure(
        (
            Section("global", "", ("maxconn 5",)),
            Section("backend", "a", ("balance leastconn",), "/a"),
            Section("backend", "c", ("balance roundrobin",), "/c"),
            Section("frontend", "d", (), "/d"),
        ),
        "d2",
    )
    found = planner.plan(desired(of=after), actual())
    assert found.kinds == (ReloadKind.APP, ReloadKind.SHARED)
    assert found.structure == (
        "/a: backend a changed",
        "/b: backend b removed",
        "/d: frontend d added",
        "shared sections: global changed",
    )


def test_a_structure_known_by_its_digest_only_is_said_to_differ() -> None:
    found = plan(desired(of=structure(digest="d2")), actual())
    assert found.structure == ("another structure runs than the one that is wanted",)
    assert found.kinds == (ReloadKind.OTHER_RUN,)


def test_many_reasons_are_counted_not_listed() -> None:
    planner = Planner()
    planner.plan(desired(), actual())
    many = structure(digest="d2", backends=tuple(f"x{n}" for n in range(50)))
    reasons = planner.plan(desired(of=many), actual()).structure
    assert len(reasons) == 21
    assert reasons[-1] == "and 33 more"


def test_servers_and_hosts_of_a_backend_to_come_wait_for_the_structure() -> None:
    wanted = Desired(structure(digest="d2"), {"a": (), "c": (server(1),)}, {HOSTS: (("x", "c"),)}, APPS)
    runs = Actual(42, "2.6.12", "d1", {"a": {}}, {HOSTS: {}})
    assert plan(wanted, runs).live == ()


def test_an_app_that_goes_is_out_of_traffic_before_the_reload() -> None:
    planner = Planner()
    runs = actual(running(1))
    planner.plan(desired(server(1)), runs)
    wanted = Desired(structure(digest="d2", backends=("b", "c")), {"b": (), "c": ()}, {}, APPS)
    assert [change.describe() for change in planner.plan(wanted, runs).live] == ["remove server a/s1"]


def test_a_server_that_haproxy_refused_to_add_comes_with_a_reload() -> None:
    planner, wanted = Planner(), desired(server(1))
    planner.refuse("a", server(1), "unknown keyword 'foo'")
    assert planner.plan(wanted, actual()).structure == ("/a: server s1: unknown keyword 'foo'",)
    planner.restructured()
    assert len(planner.plan(wanted, actual()).live) == 1


def test_a_settled_pool_that_changes_is_looked_at_again() -> None:
    planner, wanted, runs = Planner(), desired(server(1)), actual(running(1))
    assert not planner.plan(wanted, runs)
    assert planner.plan(wanted, actual()).live
    assert planner.plan(desired(), runs).live
    assert not planner.plan(wanted, runs)


one_server = st.builds(lambda number, is_off: replace(server(number), is_off=is_off), st.integers(1, 5), st.booleans())
servers = st.lists(one_server, unique_by=lambda one: one.name).map(tuple)
worlds = st.fixed_dictionaries(dict.fromkeys(BACKENDS, servers))
maps = st.dictionaries(st.sampled_from(["h1", "h2", "h3"]), st.sampled_from(BACKENDS))


def desired_world(pools: Mapping[str, tuple[Server, ...]], entries: Mapping[str, str]) -> Desired:
    return Desired(structure(), pools, {HOSTS: tuple(entries.items())}, APPS)


def in_traffic(pool: tuple[Server, ...]) -> set[str]:
    return {server.name for server in pool if not server.is_off}


def reach(proxy: FakeHaproxy, wanted: Desired, most: int | None = None) -> tuple[LiveChange, ...]:
    """One pass over the fake, of which only the first `most` commands arrive."""
    changes: tuple[LiveChange, ...] = tuple(plan(wanted, proxy.actual).live)  # type: ignore[arg-type]  # all are ours
    commands = [command for change in changes for command in change.commands]
    for command in commands[:most]:
        proxy.run(command)
    return changes


@given(worlds, maps, worlds, maps, st.integers(0, 40))
def test_a_plan_cut_short_after_any_command_is_finished_by_the_next_pass(
    before: dict[str, tuple[Server, ...]],
    before_maps: dict[str, str],
    after: dict[str, tuple[Server, ...]],
    after_maps: dict[str, str],
    most: int,
) -> None:
    proxy = FakeHaproxy("d1", {name: {} for name in BACKENDS}, {HOSTS: {}})
    reach(proxy, desired_world(before, before_maps))
    wanted = desired_world(after, after_maps)
    reach(proxy, wanted, most)
    reach(proxy, wanted)
    assert not plan(wanted, proxy.actual)
    assert {name: proxy.serving(name) for name in BACKENDS} == {name: in_traffic(pool) for name, pool in after.items()}
    assert proxy.maps[HOSTS] == after_maps


@given(worlds, worlds)
def test_no_pool_that_has_servers_before_and_after_runs_empty_between(
    before: dict[str, tuple[Server, ...]], after: dict[str, tuple[Server, ...]]
) -> None:
    proxy = FakeHaproxy("d1", {name: {} for name in BACKENDS}, {HOSTS: {}})
    reach(proxy, desired_world(before, {}))
    for change in plan(desired_world(after, {}), proxy.actual).live:
        for command in change.commands:  # type: ignore[attr-defined]  # all are ours
            proxy.run(command)
            for name in BACKENDS:
                assert proxy.serving(name) or not (in_traffic(before[name]) and in_traffic(after[name]))


@given(worlds, worlds)
def test_what_a_change_says_about_the_pool_is_what_haproxy_does(
    before: dict[str, tuple[Server, ...]], after: dict[str, tuple[Server, ...]]
) -> None:
    proxy = FakeHaproxy("d1", {name: {} for name in BACKENDS}, {HOSTS: {}})
    reach(proxy, desired_world(before, {}))
    for change in plan(desired_world(after, {}), proxy.actual).live:
        assert isinstance(change, AddServer | ReadyServer | RemoveServer | DeleteServer)
        pool = dict(proxy.pools[change.backend])
        assert change.verdict([proxy.run(command) for command in change.commands]) is Verdict.DONE
        change.on(pool)
        assert pool == proxy.pools[change.backend]


STRUCTURES = (structure(), structure("balance static-rr"))
pools = st.lists(st.builds(running, st.integers(1, 3), maint=st.booleans()), max_size=3, unique_by=lambda one: one.name)
wanted_news = st.dictionaries(st.sampled_from(BACKENDS), servers, max_size=2)
running_news = st.dictionaries(
    st.sampled_from(BACKENDS), pools.map(lambda found: {one.name: one for one in found}), max_size=2
)


class Moment(NamedTuple):
    """What is wanted, how many steps of its plan are done, and what else changes in HAProxy, or runs there instead."""

    wanted: Desired
    done: int
    news: Mapping[str, Mapping[str, ActualServer]]
    is_anew: bool


@st.composite
def moments(draw: st.DrawFn) -> list[Moment]:
    known, found = Desired(STRUCTURES[0], SharedMap({}), apps=APPS), []
    for _ in range(draw(st.integers(1, 6))):
        wanted, news = known.servers, draw(wanted_news)
        known = replace(
            known,
            structure=draw(st.sampled_from(STRUCTURES)),
            servers=replaced(wanted, news) if draw(st.booleans()) else SharedMap(news, wanted),
        )
        found.append(Moment(known, draw(st.integers(0, 5)), draw(running_news), draw(st.booleans())))
    return found


@given(moments())
def test_a_planner_that_remembers_plans_what_a_new_one_plans(history: list[Moment]) -> None:
    planner, runs = Planner(), Actual(42, "2.6.12", "d1", SharedMap({}))
    for wanted, done, news, is_anew in history:
        found = planner.plan(wanted, runs)
        assert found == plan(wanted, runs)
        live: list[LiveChange] = list(found.live)  # type: ignore[arg-type]  # all are ours
        runs = after(runs, live[:done])
        assert planner.plan(wanted, runs) == plan(wanted, runs)
        runs = replace(runs, servers=SharedMap(news, runs.servers) if is_anew else replaced(runs.servers, news))


def test_a_server_in_use_stays_out_of_traffic_and_is_collected_later() -> None:
    proxy = FakeHaproxy("d1", {name: {} for name in BACKENDS}, {HOSTS: {}})
    reach(proxy, desired(server(1)))
    proxy.busy.add("a/s1")
    reach(proxy, desired())
    assert proxy.serving("a") == set()
    assert steps(desired(), proxy.actual) == ["delete server a/s1"]
    proxy.busy.clear()
    reach(proxy, desired())
    assert not plan(desired(), proxy.actual)


def test_a_server_that_left_has_its_sessions_cut_after_the_limit_and_not_before() -> None:
    planner, wanted = Planner(tunnel_limit_s=60.0), desired()
    leaves, left = actual(running(1)), actual(replace(running(1), maint=True, up=False))

    def cut(runs: Actual, now_s: float) -> list[bool]:
        live = planner.plan(wanted, runs, now_s).live
        return [change.ends_sessions for change in live if isinstance(change, DeleteServer)]

    assert cut(leaves, 1000.0) == [False]
    assert cut(left, 1059.9) == [False]
    assert cut(left, 1060.0) == [True]
    assert cut(left, 1061.0) == [True], "until it is seen to be gone"


def test_a_server_that_came_back_in_between_has_its_whole_time_again() -> None:
    planner, left = Planner(tunnel_limit_s=60.0), actual(replace(running(1), maint=True, up=False))
    planner.plan(desired(), left, 1000.0)
    planner.plan(desired(server(1)), left, 1050.0)
    (change,) = planner.plan(desired(), left, 1070.0).live
    assert isinstance(change, DeleteServer)
    assert not change.ends_sessions


def test_without_a_limit_no_session_is_cut() -> None:
    planner, left = Planner(), actual(replace(running(1), maint=True, up=False))
    planner.plan(desired(), left, 0.0)
    (change,) = planner.plan(desired(), left, 1e9).live
    assert isinstance(change, DeleteServer)
    assert not change.ends_sessions
