"""Service ports that are given where the scheduler gives none."""

from hypothesis import given
from hypothesis import strategies as st

from milepost.routing.assign import assign_ports


def test_the_ports_are_those_that_marathon_lb_gives() -> None:
    """Cases m15-container-no-service-port and m14-ipaddress-discovery-assigned."""
    wishes = [("/assigned", 8080), ("/calico/app", 8080), ("/calico/app", 8081)]
    assert list(assign_ports(wishes, 10_050, 10_100, (), {}).values()) == [10_099, 10_058, 10_052]


def test_known_ports_are_avoided() -> None:
    assert assign_ports([("/assigned", 8080)], 10_050, 10_100, {10_099}, {}) == {("/assigned", 8080): 10_075}


def test_when_the_range_is_used_up_the_others_get_none() -> None:
    wishes = [("/a", port) for port in range(5)]
    assert sorted(assign_ports(wishes, 10_050, 10_052, (), {}).values()) == [10_050, 10_051, 10_052]


def test_a_port_that_was_given_is_given_again_whoever_else_wants_it() -> None:
    kept = {("/b", 8080): 10_099, ("/c", 1): 20_000}
    given_ports = assign_ports([("/assigned", 8080), ("/b", 8080), ("/c", 1)], 10_050, 10_100, {10_099}, kept)
    assert given_ports["/b", 8080] == 10_099
    assert given_ports["/assigned", 8080] == 10_075
    assert given_ports["/c", 1] <= 10_100


wishes = st.lists(st.tuples(st.sampled_from(["/a", "/b"]), st.integers(0, 9)), max_size=12)


@given(wishes, st.sets(st.integers(10_050, 10_060), max_size=8))
def test_each_wish_gets_a_port_of_its_own_in_the_range(asked: list[tuple[str, int]], avoid: set[int]) -> None:
    given_ports = assign_ports(asked, 10_050, 10_060, avoid, {})
    ports = list(given_ports.values())
    assert len(set(ports)) == len(ports) == min(len(set(asked)), 11 - len(avoid))
    assert not avoid & set(ports)
    assert all(10_050 <= port <= 10_060 for port in ports)
