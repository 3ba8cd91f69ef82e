"""How labels are read that hold more than a word: credentials, networks, paths. What is refused comes first."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.model.routing import Auth
from milepost.routing import labels
from milepost.routing.grammar import Wrong
from milepost.routing.label import Label

SHA256 = "$5$salt$" + "a" * 43
SHA512 = "$6$rounds=5000$salt$" + "a" * 86
BCRYPT = "$2y$10$" + "a" * 53

REFUSED = [
    (labels.AUTH, ""),
    (labels.AUTH, "realm:joe"),
    (labels.AUTH, f"realm:joe:{SHA256}:more"),
    (labels.AUTH, f":joe:{SHA256}"),
    (labels.AUTH, f"realm::{SHA256}"),
    (labels.AUTH, "realm:joe:"),
    (labels.AUTH, "realm:joe:plain text"),
    (labels.AUTH, "realm:joe:s3cret"),
    (labels.AUTH, f"realm:joe:{SHA256} groups x"),
    (labels.AUTH, f"realm:joe:{SHA512.replace('5000', '999999')}"),
    (labels.AUTH, f"realm:joe:{BCRYPT.replace('10', '31')}"),
    (labels.AUTH, f'a" if FALSE:joe:{SHA256}'),
    (labels.AUTH, f"realm:joe insecure-password x:{SHA256}"),
    (labels.AUTH, f"%[src]:joe:{SHA256}"),
    (labels.BACKEND_NETWORK_ALLOWED_ACL, "localhost"),
    (labels.BACKEND_NETWORK_ALLOWED_ACL, "10.0.0.0/33"),
    (labels.BACKEND_NETWORK_ALLOWED_ACL, "-f /etc/networks"),
    (labels.BACKEND_NETWORK_ALLOWED_ACL, "fe80::1%eth0"),
    (labels.BACKEND_NETWORK_ALLOWED_ACL, "10.0.0.1 " * 61),
    (labels.BACKEND_WEIGHT, ""),
    (labels.BACKEND_WEIGHT, "heavy"),
    (labels.BACKEND_WEIGHT, "1.5"),
    (labels.BACKEND_WEIGHT, "9" * 5000),
    (labels.HTTP_BACKEND_PROXYPASS_PATH, "app"),
    (labels.HTTP_BACKEND_PROXYPASS_PATH, "/(.*)"),
    (labels.HTTP_BACKEND_PROXYPASS_PATH, "/a b"),
    (labels.HTTP_BACKEND_REVPROXY_PATH, "/a\\1"),
    (labels.HTTP_BACKEND_REVPROXY_PATH, "/a\\3\\3"),
    (labels.HTTP_BACKEND_REVPROXY_PATH, "\\3"),
    (labels.HTTP_BACKEND_REVPROXY_PATH, "/%[src]"),
    (labels.HTTP_BACKEND_REDIR, "/"),
    (labels.HTTP_BACKEND_REDIR, "ftp://a.example/"),
    (labels.HTTP_BACKEND_REDIR, "/%[path]"),
    (labels.HTTP_BACKEND_REDIR, "/a if TRUE"),
]

READ = [
    (labels.AUTH, f"A realm (in): joe@a.example : {SHA256}", Auth("A realm (in)", "joe@a.example", SHA256)),
    (labels.AUTH, f"r:joe:{SHA512}", Auth("r", "joe", SHA512)),
    (labels.AUTH, f"r:joe:{BCRYPT}", Auth("r", "joe", BCRYPT)),
    (labels.AUTH, "r:joe:a1./ZZaaaaaaa", Auth("r", "joe", "a1./ZZaaaaaaa")),
    (labels.BACKEND_NETWORK_ALLOWED_ACL, "", ()),
    (labels.BACKEND_NETWORK_ALLOWED_ACL, "10.1.2.3/8, 10.0.0.0/8 ::1", ("10.0.0.0/8", "::1/128")),
    (labels.BACKEND_WEIGHT, " -3 ", -3),
    (labels.HTTP_BACKEND_PROXYPASS_PATH, "/v1.0/", "/v1.0/"),
    (labels.HTTP_BACKEND_REVPROXY_PATH, "/app\\3", "/app"),
    (labels.HTTP_BACKEND_REVPROXY_PATH, "", ""),
    (labels.HTTP_BACKEND_REDIR, "https://b.example:8443/", "https://b.example:8443/"),
]


@pytest.mark.parametrize(("label", "text"), REFUSED)
def test_a_line_that_is_none_is_refused_with_what_would_be_right(label: Label[Any], text: str) -> None:
    found = label.read(text)
    assert isinstance(found, Wrong), found
    assert found.right


@pytest.mark.parametrize(("label", "text", "value"), READ)
def test_lines_are_read(label: Label[Any], text: str, value: object) -> None:
    assert label.read(text) == value


texts = st.text(st.sampled_from("ab1.:/-,_* \t\n\r\x0b\x0c\x85\u2028\u00a0'\"\\#$%{}[]()@;é"), max_size=12) | st.text()
LINES = (
    labels.HTTP_BACKEND_PROXYPASS_PATH,
    labels.HTTP_BACKEND_REVPROXY_PATH,
    labels.HTTP_BACKEND_REDIR,
)


@pytest.mark.parametrize("label", LINES, ids=lambda label: label.name)
@given(text=texts)
@example(text="/a\n")
@example(text="/a\\3")
def test_what_passes_is_one_word_without_a_special_sign(label: Label[Any], text: str) -> None:
    found = label.read(text)
    assert isinstance(found, Wrong) or not re.search(r"""[^!-~]|["'\\#$%{}\[\]]""", found), found


@given(realm=texts, user=texts, password=texts | st.just(SHA256))
def test_nothing_in_credentials_ends_its_word(realm: str, user: str, password: str) -> None:
    found = labels.AUTH.read(f"{realm}:{user}:{password}")
    if isinstance(found, Auth):
        assert not re.search(r"""[^ -~]|["'\\#$%{}\[\]]""", found.realm)
        assert not re.search(r"""[^!-~]|["'\\#${}\[\]]""", found.user)
        assert not re.search(r"""[^!-~]|["'\\#{}\[\]]""", found.password)
