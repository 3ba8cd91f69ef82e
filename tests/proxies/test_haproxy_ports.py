"""Which addresses HAProxy could not bind."""

import socket
from collections.abc import Iterator

import pytest

from milepost.proxies.haproxy.config import Section, Structure
from milepost.proxies.haproxy.ports import blocked_listens, why_not_bound


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_told_even_where_its_holder_would_share_it(taken: int) -> None:
    assert why_not_bound("127.0.0.1", taken) == "it is taken by another process on this machine"
    assert why_not_bound("*", taken) == "it is taken by another process on this machine"


def test_the_same_port_at_another_address_is_free(taken: int) -> None:
    assert why_not_bound("127.0.0.2", taken) == ""


def test_an_address_that_this_machine_does_not_have_is_told_only_where_it_counts() -> None:
    assert "cannot be bound" in why_not_bound("192.0.2.77", 40001)
    assert why_not_bound("192.0.2.77", 40001, only_in_use=True) == ""


def test_what_haproxy_holds_is_not_tried(taken: int) -> None:
    section = Section("frontend", "web", (), "/web", (("127.0.0.1", taken),))
    structure = Structure((section,), "d1")
    assert [(b.section, b.port) for b in blocked_listens(structure, (), only_in_use=False)] == [(section, taken)]
    assert blocked_listens(structure, {("127.0.0.1", taken)}, only_in_use=False) == ()
