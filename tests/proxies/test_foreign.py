"""What somebody else changed is found by comparing two looks at one worker, and put into words."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.notice import ForeignChanges, Notice
from milepost.model.problem import Problem, Severity
from milepost.model.shared_map import SharedMap
from milepost.proxies.haproxy.actual import Actual, ActualServer
from milepost.proxies.haproxy.foreign import Difference, foreign, without
from milepost.proxies.haproxy.intervention import Intervention, Where

HOSTS = "/maps/hosts.map"
S1 = ActualServer("s1", "10.0.0.1", 31_001, 1, options="")


def actual(*servers: ActualServer, hosts: Mapping[str, str] | None = None) -> Actual:
    pools = SharedMap({"web": {one.name: one for one in servers}, "api": {}})
    return Actual(42, "2.6.12", "d1", pools, {HOSTS: hosts or {}})


@pytest.mark.parametrize(
    ("known", "read", "words"),
    [
        (actual(S1), actual(S1, replace(S1, name="s2", id=2)), "server web/s2 was added"),
        (actual(S1), actual(), "server web/s1 was deleted"),
        (actual(S1), actual(replace(S1, id=9)), "server web/s1 is another server of the same name"),
        (actual(S1), actual(replace(S1, port=1)), "server web/s1 was moved to 10.0.0.1 port 1"),
        (actual(S1), actual(replace(S1, maint=True, up=False)), "server web/s1 was taken out of traffic (maint)"),
        (actual(S1), actual(replace(S1, drain=True)), "server web/s1 was set to drain"),
        (actual(replace(S1, maint=True)), actual(S1), "server web/s1 was put into traffic"),
        (actual(S1), actual(replace(S1, reweighted=True)), "server web/s1 got another weight"),
        (actual(S1), actual(replace(S1, drain=True, port=1)),
         "server web/s1 was moved to 10.0.0.1 port 1, was set to drain"),
        (actual(), actual(hosts={"a.example": "web"}), "map entry a.example leads to web now"),
        (actual(hosts={"x.example": "web"}), actual(hosts={"x.example": "b"}), "map entry x.example leads to b now"),
        (actual(hosts={"a.example": "web"}), actual(), "map entry a.example was removed"),
    ],
)  # fmt: skip
def test_each_change_by_hand_has_words(known: Actual, read: Actual, words: str) -> None:
    assert [str(difference) for difference in foreign(known, read, {HOSTS})] == [words]


def test_a_map_that_is_not_mileposts_to_change_is_left_to_whom_it_is_meant_for() -> None:
    assert foreign(actual(), actual(hosts={"draining": "1764000000"}), {"/maps/apps.map"}) == ()


def test_what_haproxys_own_checks_find_is_nobodys_change() -> None:
    assert foreign(actual(S1), actual(replace(S1, up=False)), {HOSTS}) == ()


servers = st.builds(
    lambda n, port, maint, drain, up, reweighted: ActualServer(
        f"s{n}", "10.0.0.1", port, n, maint, drain, up, "", reweighted
    ),
    st.integers(1, 3), st.integers(1, 2), st.booleans(), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
hosts = st.dictionaries(st.sampled_from("xyz"), st.sampled_from(("web", "api")))
worlds = st.builds(lambda pool, by_host: actual(*pool, hosts=by_host), st.lists(servers, max_size=3), hosts)


@given(worlds, worlds)
def test_what_is_left_as_it_is_shows_no_difference_to_the_planner(known: Actual, read: Actual) -> None:
    assert foreign(known, without(read, known, foreign(known, read, {HOSTS})), {HOSTS}) == ()


OUT = Difference("web", "server web/s1", "was taken out of traffic (maint)")


def test_what_is_to_be_mended_is_told() -> None:
    notices: list[Notice] = []
    intervention = Intervention("haproxy", notices.append, heals=True)
    assert not intervention.is_to_be_left(Where.RUNNING, [OUT])
    assert notices == [ForeignChanges("haproxy", ("server web/s1 was taken out of traffic (maint)",))]
    assert intervention.left == ()


def test_what_is_left_is_a_problem_of_its_app_until_it_is_over() -> None:
    notices: list[Notice] = []
    intervention = Intervention("haproxy", notices.append, heals=False)
    assert intervention.is_to_be_left(Where.RUNNING, [OUT], {"web": "/web"})
    message = "was taken out of traffic (maint) by somebody else, and is left so (haproxy.foreign_changes)"
    assert intervention.left == (Problem("/web", "server web/s1", message, Severity.WARNING),)
    assert not intervention.is_to_be_left(Where.RUNNING, [])
    assert not intervention.left
    assert notices == []


def test_an_operator_who_asks_has_what_was_left_mended_once() -> None:
    intervention = Intervention("haproxy", lambda _: None, heals=False)
    assert intervention.is_to_be_left(Where.RUNNING, [OUT])
    intervention.heal()
    assert not intervention.is_to_be_left(Where.RUNNING, [OUT])
    assert intervention.left == ()
    assert intervention.is_to_be_left(Where.RUNNING, [OUT]), "asked once"
