"""How many connections fit into the descriptors."""

from hypothesis import given
from hypothesis import strategies as st

from milepost.proxies.haproxy.limits import LEAST_CONNECTIONS, MOST_CONNECTIONS, max_connections, shortage


def test_each_connection_takes_two_descriptors_and_each_listener_one() -> None:
    assert max_connections(20_000, 0, 0) == 9_950
    assert max_connections(20_000, 10_000, 0) == 4_950
    assert max_connections(20_000, 0, 100) == 9_750


def test_checks_leave_three_quarters_to_connections() -> None:
    assert max_connections(20_100, 0, 5_000) == 7_500


def test_the_limits_are_kept() -> None:
    assert max_connections(1_073_741_816, 3, 3) == MOST_CONNECTIONS
    assert max_connections(1_024, 5_000, 0) == LEAST_CONNECTIONS


@given(st.integers(1_000, 1_000_000), st.integers(0, 20_000), st.integers(0, 10_000))
def test_what_is_needed_fits_unless_the_least_is_given(files: int, listeners: int, checked: int) -> None:
    connections = max_connections(files, listeners, checked)
    assert connections == LEAST_CONNECTIONS or 2 * connections + listeners < files


def test_a_shortage_is_told_by_numbers_and_with_what_to_raise() -> None:
    words = shortage(1_024, 5_000)
    assert words.startswith("HAProxy would need 5300 open files (5000 listeners, 100 connections of two each")
    assert "and may have 1024: raise the hard limit on open files (LimitNOFILE=" in words


@given(st.integers(1_000, 100_000), st.integers(0, 20_000))
def test_there_is_a_shortage_where_not_even_the_least_connections_fit(files: int, listeners: int) -> None:
    fits = 2 * max_connections(files, listeners, 0) + listeners + 100 <= files
    assert (shortage(files, listeners) == "") is fits
