"""Passwords that pass through milepost are not shown to whoever may ask it."""

from dataclasses import replace

import pytest

from milepost.controller.secrets import HIDDEN, shown_config, shown_labels, without_passwords, without_secrets
from support.scene import SNAPSHOT, TABLE


@pytest.mark.parametrize(
    ("name", "is_hidden"),
    [
        ("HAPROXY_0_AUTH", True),
        ("HAPROXY_AUTH", True),
        ("HAPROXY_0_USERLIST_HEAD", True),
        ("DB_PASSWORD", True),
        ("aws.access-key", True),
        ("api_token", True),
        ("HAPROXY_0_HTTP_FRONTEND_ACL_WITH_AUTH", False),
        ("HAPROXY_0_VHOST", False),
    ],
)
def test_only_labels_that_hold_secrets_are_hidden(name: str, is_hidden: bool) -> None:
    assert shown_labels({name: "value"}) == {name: HIDDEN if is_hidden else "value"}


def test_a_shown_snapshot_holds_no_secret_and_all_else() -> None:
    shown = without_secrets(SNAPSHOT)
    assert "s3cret" in repr(SNAPSHOT)
    assert "s3cret" not in repr(shown)
    assert shown.apps["/shop/db"] == SNAPSHOT.apps["/shop/db"]


def test_a_shown_routing_table_holds_no_password_and_all_else() -> None:
    shown = without_passwords(TABLE)
    assert "s3cret" in repr([service.templates for service in TABLE.services])
    for service in shown.services:
        assert service.auth is None or service.auth.password == HIDDEN
    assert shown.services[0].templates == {"USERLIST_HEAD": HIDDEN, "FRONTEND_HEAD": "x"}
    assert shown.services[1] == TABLE.services[1]
    assert without_passwords(shown) == shown


def test_a_shown_configuration_holds_no_password() -> None:
    text = "userlist u\n  user joe password $6$abc groups x\n  user ann insecure-password abc\n  stats auth me:abc\n"
    assert shown_config(text) == (
        f"userlist u\n  user joe password {HIDDEN} groups x\n  user ann insecure-password {HIDDEN}\n"
        f"  stats auth {HIDDEN}\n"
    )


def test_credentials_that_are_sent_on_are_hidden_too() -> None:
    text = "  http-request set-header Authorization Basic\\ abc\n  http-check send hdr Proxy-Authorization abc\n"
    assert shown_config(text) == (
        f"  http-request set-header Authorization {HIDDEN}\n  http-check send hdr Proxy-Authorization {HIDDEN}\n"
    )


def test_a_configuration_without_passwords_is_shown_as_it_is() -> None:
    text = "backend b\n  server s 192.0.2.1:80 id 1\n"
    assert shown_config(text) == text


def test_what_an_owner_wrote_for_the_proxy_is_shown_without_its_passwords() -> None:
    text = "  http-request set-header Authorization Basic\\ abc\n  retries 2"
    shown = f"  http-request set-header Authorization {HIDDEN}\n  retries 2"
    assert shown_labels({"HAPROXY_0_BACKEND_HTTP_OPTIONS": text}) == {"HAPROXY_0_BACKEND_HTTP_OPTIONS": shown}
    service = replace(TABLE.services[0], templates={"BACKEND_HTTP_OPTIONS": text})
    (found,) = without_passwords(replace(TABLE, services=(service,))).services
    assert found.templates == {"BACKEND_HTTP_OPTIONS": shown}
