"""Names and ids inside HAProxy are marathon-lb's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.routing import Endpoint
from milepost.proxies.haproxy.names import cleaned, cookie_value, distinct_names, server_ids, server_name


def test_server_names_tell_host_and_port_and_the_address_where_it_is_another() -> None:
    assert server_name(Endpoint("t", "192.168.59.2", "192.168.59.2", 31_270)) == "192_168_59_2_31270"
    assert server_name(Endpoint("t", "agent1", "192.0.2.1", 1024)) == "agent1_192_0_2_1_1024"


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (("agent1_1_1_1_1_1024",), (28_363,)),
        (("192_168_59_2_31270",), (14_362,)),
        (("10_0_0_1_31076", "10_0_0_1_31163"), (32_562, 21_925)),
    ],
)
def test_ids_are_hashes_of_names_hashed_again_on_a_collision(names: tuple[str, ...], ids: tuple[int, ...]) -> None:
    assert server_ids(names) == ids


@given(st.lists(st.sampled_from(["a", "a_2", "b", "10_0_0_1_31076", "10_0_0_1_31163"]), max_size=8))
def test_within_a_backend_names_and_ids_are_unique(names: list[str]) -> None:
    distinct = distinct_names(names)
    assert len(set(distinct)) == len(distinct) == len(names)
    ids = server_ids(distinct)
    assert len(set(ids)) == len(ids) == len(names)
    assert all(0 < number < 32_767 for number in ids)


def test_cookies_follow_the_name() -> None:
    """Case check-command-mode-http-sticky."""
    assert cookie_value("10_0_1_10_31000") == "4f6a2d323f"


def test_cleaning_keeps_letters_digits_and_dashes() -> None:
    assert cleaned("a-B9.ü/ x") == "a-B9____x"
