"""The lines that a service has only where its owner asks for something special."""

from typing import Any

from milepost.model.routing import Service, Timeouts
from milepost.proxies.haproxy.service_rules import backend_rules, frontend_rules, stripping

PLAIN = Service("web_1", "/web", 0, 1, "http", hosts=("a.example",), path=("/api",))


def with_(**asked: Any) -> Service:
    return Service("web_1", "/web", 0, 1, "http", **asked)


def test_a_plain_service_has_none() -> None:
    assert frontend_rules(PLAIN) == backend_rules(PLAIN) == tuple(stripping(PLAIN)) == ()


def test_times_stand_in_milliseconds_at_the_side_that_they_are_about() -> None:
    service = with_(timeouts=Timeouts(0.1, 604_800.0, 1.5))
    assert frontend_rules(service) == ("timeout client 1500ms",)
    assert backend_rules(service) == ("timeout server 100ms", "timeout tunnel 604800000ms")


def test_the_longest_path_decides_what_is_cut_and_each_looks_at_the_path_as_it_came() -> None:
    assert tuple(stripping(with_(path=("-i", "/v1/x", "/v1/", "/"), strips_path=True))) == (
        "http-request set-var(txn.milepost_path) path",
        "http-request set-path / if { var(txn.milepost_path) -m str -i /v1 }",
        "http-request set-path %[var(txn.milepost_path),bytes(3)] if { var(txn.milepost_path) -m beg -i /v1/ }",
        "http-request set-path / if { var(txn.milepost_path) -m str -i /v1/x }",
        "http-request set-path %[var(txn.milepost_path),bytes(5)] if { var(txn.milepost_path) -m beg -i /v1/x/ }",
    )


def test_of_the_root_nothing_can_be_cut() -> None:
    assert tuple(stripping(with_(path=("/",), strips_path=True))) == ()
