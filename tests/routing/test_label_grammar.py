"""How labels are read, as a table: what is refused first. And that no text gets out of its place, whatever it is."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.model.routing import Retries
from milepost.routing import labels
from milepost.routing.grammar import Hosts, Wrong
from milepost.routing.label import Label

REFUSED = [
    (labels.ENABLED, "maybe"),
    (labels.ENABLED, ""),
    (labels.PORT, ""),
    (labels.PORT, "http"),
    (labels.PORT, "0"),
    (labels.PORT, "65536"),
    (labels.PORT, "-1"),
    (labels.PORT, "1_0"),
    (labels.PORT, "８０"),
    (labels.PORT, "9" * 5000),
    (labels.BIND_ADDR, ""),
    (labels.BIND_ADDR, "localhost"),
    (labels.BIND_ADDR, "unix@/run/admin.sock"),
    (labels.BIND_ADDR, "abns@name"),
    (labels.BIND_ADDR, "fd@3"),
    (labels.BIND_ADDR, "10.0.0.1,10.0.0.2"),
    (labels.BIND_ADDR, "10.0.0.1 ssl"),
    (labels.BIND_ADDR, "fe80::1%eth0"),
    (labels.MODE, "health"),
    (labels.MODE, "http tcp"),
    (labels.BALANCE, ""),
    (labels.BALANCE, "bogus"),
    (labels.BALANCE, "hdr(host) -i"),
    (labels.BALANCE, "hdr(a b)"),
    (labels.BALANCE, "uri depth"),
    (labels.BALANCE, "uri depth 0"),
    (labels.BALANCE, "uri" + " whole" * 60),
    (labels.BALANCE, "random(0)"),
    (labels.BALANCE, "leastconn\n  server x 10.0.0.1:80"),
    (labels.VHOST, "a b"),
    (labels.VHOST, "a.*.example"),
    (labels.VHOST, "*a.example"),
    (labels.VHOST, "*."),
    (labels.VHOST, "~"),
    (labels.VHOST, "bücher.example"),
    (labels.VHOST, "a.example,-f"),
    (labels.VHOST, "a..example"),
    (labels.VHOST, "a" * 254),
    (labels.VHOST, "[::1]"),
    (labels.PATH, "api"),
    (labels.PATH, "-i"),
    (labels.PATH, "/a -i"),
    (labels.PATH, "-f /etc/passwd"),
    (labels.PATH, '/a"b'),
    (labels.PATH, "/a#b"),
    (labels.PATH, "/a\\ b"),
    (labels.PATH, "/${HOME}"),
    (labels.PATH, "/%[src]"),
    (labels.PATH, " ".join(["/a"] * 41)),
    (labels.STICKY, "sometimes"),
    (labels.HEALTHY_SHARE, ""),
    (labels.HEALTHY_SHARE, "half"),
    (labels.HEALTHY_SHARE, "50%"),
    (labels.HEALTHY_SHARE, "1.1"),
    (labels.HEALTHY_SHARE, "-0.5"),
    (labels.HEALTHY_SHARE, "nan"),
    (labels.HEALTHY_SHARE, "1e-1"),
    (labels.HEALTHY_SHARE, "."),
    (labels.HEALTHY_SHARE, "０.５"),
    (labels.RETRY_ON, ""),
    (labels.RETRY_ON, "any-method"),
    (labels.RETRY_ON, "none, conn-failure"),
    (labels.RETRY_ON, "all-retryable-errors"),
    (labels.RETRY_ON, "429"),
    (labels.RETRY_ON, "5xx"),
    (labels.RETRY_ON, "conn-failure\n  server x 10.0.0.1:80"),
]

READ = [
    (labels.GROUP, "external", ("external",)),
    (labels.GROUP, "external, internal", ("external", "internal")),
    (labels.GROUP, "", ("",)),
    (labels.ENABLED, "true", True),
    (labels.ENABLED, " Yes ", True),
    (labels.ENABLED, "1", True),
    (labels.ENABLED, "off", False),
    (labels.PORT, " 9090 ", 9090),
    (labels.BIND_ADDR, "*", "*"),
    (labels.BIND_ADDR, "127.0.0.1", "127.0.0.1"),
    (labels.BIND_ADDR, "[2001:DB8::1]", "2001:db8::1"),
    (labels.BIND_ADDR, "::ffff:10.0.0.9", "10.0.0.9"),
    (labels.MODE, "HTTP ", "http"),
    (labels.BALANCE, "leastconn", "leastconn"),
    (labels.BALANCE, " uri  depth 3 ", "uri depth 3"),
    (labels.BALANCE, "hdr(X-User)", "hdr(X-User)"),
    (labels.BALANCE, "url_param user check_post 64", "url_param user check_post 64"),
    (labels.BALANCE, "rdp-cookie(mstshash)", "rdp-cookie(mstshash)"),
    (labels.BALANCE, "random(2)", "random(2)"),
    (labels.RETRY_ON, "none", Retries(())),
    (labels.RETRY_ON, "conn-failure", Retries(("conn-failure",))),
    (labels.RETRY_ON, " Conn-Failure,503  response-timeout ", Retries(("conn-failure", "503", "response-timeout"))),
    (labels.RETRY_ON, "any-method,empty-response", Retries(("empty-response",), any_method=True)),
    (labels.VHOST, "", Hosts((), several=False)),
    (labels.VHOST, "WWW.Example.COM", Hosts(("www.example.com",), several=False)),
    (labels.VHOST, "a.example, b.example,", Hosts(("a.example", "b.example"), several=True)),
    (labels.VHOST, "a.example,A.example.", Hosts(("a.example",), several=True)),
    (labels.VHOST, "my_host.example:8080", Hosts(("my_host.example",), several=False)),
    (labels.HEALTHY_SHARE, "0", 0.0),
    (labels.HEALTHY_SHARE, " 0.75 ", 0.75),
    (labels.HEALTHY_SHARE, ".5", 0.5),
    (labels.HEALTHY_SHARE, "1.0", 1.0),
    (labels.PATH, "", ()),
    (labels.PATH, "-i /multiple  /paths", ("-i", "/multiple", "/paths")),
    (labels.PATH, "/a%20b", ("/a%20b",)),
]

READ_EXACTLY = [
    (labels.VHOST, "^.*\\.example\\.com$", Hosts(("^.*\\.example\\.com$",), several=False)),
    (labels.VHOST, "a.(b|c)+[x]?", Hosts(("a.(b|c)+[x]?",), several=False)),
    (labels.VHOST, "a\\", Wrong("host names, separated by commas ('a\\\\' is none)")),
    (labels.GROUP, "external, internal", ("external", " internal")),
    (labels.STICKY, "1", False),
    (labels.STICKY, "TRUE ", False),
    (labels.STICKY, "T", True),
    (labels.PORT, " 1_0 ", 10),
    (labels.PORT, "x", Wrong("a number")),
    (labels.MODE, "http ", "http "),
    (labels.MODE, "", ""),
    (labels.BALANCE, " uri  depth 3 ", "uri depth 3"),
    (labels.BALANCE, "", ""),
    (labels.BIND_ADDR, "", ""),
    (labels.BALANCE, "bogus", "bogus"),
    (labels.BALANCE, "bogus # no", Wrong("an algorithm of HAProxy's `balance`")),
    (labels.BIND_ADDR, "localhost", "localhost"),
    (labels.BIND_ADDR, "unix@/run/admin.sock", Wrong("an IP address, a host name, or * for all")),
    (labels.VHOST, "a.example, b.example", Hosts(("a.example", " b.example"), several=True)),
    (labels.VHOST, "bücher.example,", Hosts(("bücher.example", ""), several=True)),
    (labels.VHOST, "my_host.example:8080", Hosts(("my_host.example:8080",), several=False)),
    (labels.PATH, "/käse", ("/käse",)),
    (labels.PATH, "-f /etc/passwd", Wrong("paths that begin with /")),
]


@pytest.mark.parametrize(("label", "text"), REFUSED)
def test_a_value_that_is_none_is_refused_with_what_would_be_right(label: Label[Any], text: str) -> None:
    found = label.read(text)
    assert isinstance(found, Wrong), found
    assert found.right


@pytest.mark.parametrize(("label", "text", "value"), READ)
def test_values_are_read(label: Label[Any], text: str, value: object) -> None:
    assert label.read(text) == value


@pytest.mark.parametrize(("label", "text", "value"), READ_EXACTLY)
def test_the_exact_profile_reads_as_marathon_lb_did(label: Label[Any], text: str, value: object) -> None:
    assert label.exact(text) == value


def test_the_table_names_each_label_once_and_explains_it() -> None:
    names = [label.name for label in labels.TABLE]
    assert len(set(names)) == len(names)
    assert all(label.help.endswith(".") and label.default for label in labels.TABLE)


texts = st.text(st.sampled_from("ab1.:/-,_* \t\n\r\x0b\x0c\x85\u2028\u00a0'\"\\#$%{}[]()@;é"), max_size=12) | st.text()
WRITTEN = (labels.BIND_ADDR, labels.MODE, labels.BALANCE, labels.VHOST, labels.PATH)


@pytest.mark.parametrize("profile", ["read", "exact"])
@pytest.mark.parametrize("label", WRITTEN, ids=lambda label: label.name)
@given(text=texts)
@example(text="a.example\n  server x 10.0.0.1:1")
@example(text="/a\u2028b")
@example(text="unix@/run/haproxy.sock")
def test_what_passes_holds_nothing_that_is_special_to_haproxy(label: Label[Any], profile: str, text: str) -> None:
    """But for hosts, which may be expressions: what is special there is so within a word, or within single quotes."""
    usual = r"""[\x00-\x1f\x7f"'\\#${}\[\]]"""
    may_be_expression = label is labels.VHOST and profile == "exact"
    found = getattr(label, profile)(text)
    if isinstance(found, Wrong):
        return
    for value in found.names if isinstance(found, Hosts) else found if isinstance(found, tuple) else (found,):
        of_hosts = r"""[\x00-\x1f\x7f"'#{}]|\\$""" if may_be_expression else usual
        special = r"""[\x00-\x20\x7f"'\\#$]""" if value.startswith("~") else of_hosts
        assert not re.search(special, value.removeprefix("[").removesuffix("]")), value
        assert "@" not in value or label is labels.PATH
        assert re.split(r" +", value.strip(" ")) == value.split() or not value.strip(" ")


@pytest.mark.parametrize("profile", ["read", "exact"])
@given(text=texts)
@example(text="a.example -f /etc/passwd")
@example(text="a.example,-i")
def test_a_host_is_one_word_and_no_flag(profile: str, text: str) -> None:
    found = getattr(labels.VHOST, profile)(text)
    for name in found.names if isinstance(found, Hosts) else ():
        assert len(name.split()) <= 1
        assert not name.strip().startswith("-")


@pytest.mark.parametrize("profile", ["read", "exact"])
@given(text=texts)
def test_a_path_is_a_path_or_the_flag_for_any_case(profile: str, text: str) -> None:
    found = getattr(labels.PATH, profile)(text)
    for word in found if isinstance(found, tuple) else ():
        assert word == "-i" or (word.startswith("/") and word.split() == [word])
