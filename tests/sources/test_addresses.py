"""What may become an address of a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.sources.addresses import is_dns_name, literal

NEITHER = [
    "",
    "unix@/run/x.sock",
    "fd@3",
    "abns@x",
    "ipv4@10.0.0.1",
    "/run/x.sock",
    "$HOST",
    "${HOST}",
    "a b",
    "a\nb",
    "a\n",
    "10.0.0.1:80",
    "10.0.0.1/8",
    "10.1",
    "1",
    "0x7f.1",
    "0x7f000001",
    "host.0x1",
    "10.0.0.256",
    "fe80::1%eth0",
    "0.0.0.0",
    "::",
    "-a",
    "a-",
    "a..b",
    ".a",
    "*",
    "bücher",
    "a" * 64,
    ".".join(["a" * 60] * 5),
]
NAMES = ["localhost", "agent1", "agent-1.dc.example", "agent_1", "10.0.0.1.nip.io", "1a", "host.example."]
LITERALS = [
    ("10.0.0.1", "10.0.0.1"),
    ("fd01:b::2:8000:2", "fd01:b::2:8000:2"),
    ("FD01:0:0::2", "fd01::2"),
    ("::1", "::1"),
]


@pytest.mark.parametrize("text", NEITHER)
def test_what_is_neither_literal_nor_name_is_no_address(text: str) -> None:
    assert literal(text) is None
    assert not is_dns_name(text)


@pytest.mark.parametrize("text", NAMES)
def test_a_name_is_a_name_and_no_literal(text: str) -> None:
    assert is_dns_name(text)
    assert literal(text) is None


@pytest.mark.parametrize(("text", "address"), LITERALS)
def test_a_literal_is_given_in_its_usual_form(text: str, address: str) -> None:
    assert literal(text) == address


@given(st.text(alphabet="ab1.-_:@/%$ \n", max_size=12))
def test_no_accepted_text_holds_what_haproxy_reads_as_more_than_an_address(text: str) -> None:
    if literal(text) is not None or is_dns_name(text):
        assert not set(text) & set("@/%$ \n")
