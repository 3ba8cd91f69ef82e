"""Labels that marathon-lb did not have: what they come to, and what is said where they have no effect."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from milepost.model.problem import Severity
from milepost.model.routing import Holders, ServerTls, Service, Timeouts
from milepost.model.snapshot import AppDefinition, AppPort, HealthCheck, NetworkMode
from milepost.routing.conflicts import decide_conflicts
from milepost.routing.policy import Policy
from milepost.routing.reading import AppReading, read_app

POLICY = Policy(("*",))


def read(labels: Mapping[str, str], policy: Policy = POLICY) -> AppReading:
    named = {f"HAPROXY_0_{name}" if name.isupper() else name: text for name, text in labels.items()}
    return read_app(AppDefinition("/web", named, NetworkMode.BRIDGE, (AppPort(10_000, 0),)), policy)


def service(labels: Mapping[str, str], policy: Policy = POLICY) -> Service:
    (want,) = read(labels, policy).wanted
    return want.service


def warnings(labels: Mapping[str, str]) -> list[str]:
    return [f"{p.subject} {p.message}" for p in read(labels).problems if p.severity is Severity.WARNING]


def test_a_service_may_ask_for_no_listener() -> None:
    assert service({"VHOST": "a.example"}).listens
    assert not service({"VHOST": "a.example", "LISTEN": "false"}).listens
    assert warnings({"LISTEN": "false"}) == ["HAPROXY_0_LISTEN nothing leads here then, since the mode is not http"]


def test_a_service_without_a_listener_leaves_its_port_to_others_and_hears_of_no_conflict() -> None:
    silent = Service("a_80", "/a", 0, 80, "http", listens=False)
    loud = Service("b_80", "/b", 0, 80, "http")
    reserved = Service("c_9090", "/c", 0, 9090, "http", listens=False)
    decision = decide_conflicts((silent, loud, reserved), Policy(("*",), reserved_ports=frozenset({9090})), Holders())
    assert [one.listens for one in decision.services] == [False, True, False]
    assert decision.problems == ()
    assert decision.holders.by_key["port 80 *"] == "/b"


def test_a_path_is_cut_only_where_there_is_one() -> None:
    assert service({"VHOST": "a.example", "PATH": "/api", "STRIP_PATH": "true"}).strips_path
    assert not service({"VHOST": "a.example", "STRIP_PATH": "true"}).strips_path
    assert warnings({"VHOST": "a.example", "STRIP_PATH": "true"}) == [
        "HAPROXY_0_STRIP_PATH has no effect: needs mode http and a PATH that leads here"
    ]


def test_times_are_read_with_their_units() -> None:
    labels = {"VHOST": "a.example", "TIMEOUT_SERVER": "5m", "TIMEOUT_TUNNEL": "7d", "TIMEOUT_CLIENT": " 100MS "}
    assert service(labels).timeouts == Timeouts(300.0, 604_800.0, 0.1)


@pytest.mark.parametrize("text", ["", "30", "30 s x", "-1s", "99ms", "8d", "1.5s", "1w", "0s", "٣s", "1s\n2s"])
def test_a_time_that_is_none_costs_no_more_than_itself(text: str) -> None:
    reading = read({"VHOST": "a.example", "TIMEOUT_SERVER": text})
    (want,) = reading.wanted
    assert want.service.timeouts == Timeouts()
    assert [(p.subject, p.severity) for p in reading.problems] == [("HAPROXY_0_TIMEOUT_SERVER", Severity.ERROR)]


def test_a_connection_of_mode_tcp_has_one_time_only() -> None:
    labels = {"TIMEOUT_SERVER": "5m", "TIMEOUT_TUNNEL": "10m", "TIMEOUT_CLIENT": "1s"}
    assert service(labels).timeouts == Timeouts(tunnel_s=600.0)
    assert warnings(labels) == [
        f"HAPROXY_0_TIMEOUT_{side} has no effect: needs mode http, but the mode is tcp" for side in ("SERVER", "CLIENT")
    ]


@pytest.mark.parametrize("name", ["LISTEN", "STRIP_PATH", "SERVER_TLS", "SNI_PASSTHROUGH", "DENIED_NETWORKS"])
def test_what_must_not_be_guessed_costs_the_port(name: str) -> None:
    assert not read({"VHOST": "a.example", "PATH": "/a", name: "perhaps"}).wanted


def test_the_exact_profile_reads_none_of_them() -> None:
    labels = {"VHOST": "a.example", "LISTEN": "false", "STRIP_PATH": "true", "PATH": "/a", "TIMEOUT_SERVER": "x"}
    found = service(labels, Policy(("*",), exact=True))
    assert (found.listens, found.strips_path, found.timeouts) == (True, False, Timeouts())


@pytest.mark.parametrize(
    ("text", "tls"), [("true", ServerTls.UNVERIFIED), (" Verify ", ServerTls.VERIFIED), ("off", ServerTls.OFF)]
)
def test_tasks_may_be_asked_over_tls(text: str, tls: ServerTls) -> None:
    assert service({"SERVER_TLS": text}, replace(POLICY, verifies_servers=True)).server_tls is tls


def test_where_nobody_is_trusted_no_task_can_be_verified_and_none_is_asked() -> None:
    reading = read({"SERVER_TLS": "verify"})
    assert not reading.wanted
    assert reading.problems[0].message.startswith("needs the setting haproxy.server_ca_file")


@pytest.mark.parametrize(("protocol", "is_tls"), [("HTTPS", True), ("MESOS_HTTPS", True), ("MESOS_HTTP", False)])
def test_a_check_over_tls_is_made_over_tls(protocol: str, is_tls: bool) -> None:
    check = HealthCheck(protocol=protocol, port_index=0)
    labels = {"HAPROXY_0_MODE": "http"}
    app = AppDefinition("/web", labels, NetworkMode.BRIDGE, (AppPort(10_000, 0),), (check,))
    (want,) = read_app(app, POLICY).wanted
    assert want.service.check is not None
    assert (want.service.check.kind, want.service.check.is_tls) == ("http", is_tls)


HASHED = "r:joe:$5$salt$" + "a" * 43
PASSING = {"VHOST": "own.example", "SNI_PASSTHROUGH": "true"}


def test_a_service_that_speaks_tls_itself_is_of_mode_tcp_and_keeps_its_hosts() -> None:
    found = service(PASSING)
    assert (found.mode, found.hosts, found.passes_tls) == ("tcp", ("own.example",), True)
    assert warnings({**PASSING, "LISTEN": "false"}) == []


@pytest.mark.parametrize(
    ("labels", "hosts", "message"),
    [
        ({"MODE": "http"}, (), "needs mode tcp, but the mode is http; no host leads here"),
        ({"VHOST": "*.x, a.x"}, ("a.x",), "needs names in VHOST; its patterns lead nowhere"),
        ({"PATH": "/a"}, ("own.example",), "has no effect: the path is encrypted with all the rest"),
        ({"AUTH": HASHED}, (), "cannot be asked for inside TLS; no host leads here"),
        (
            {"REDIRECT_TO_HTTPS": "true"},
            ("own.example",),
            "has no effect: the HTTP port does not lead to tasks that speak TLS",
        ),
    ],
)
def test_what_cannot_be_done_inside_tls_is_told(
    labels: Mapping[str, str], hosts: tuple[str, ...], message: str
) -> None:
    reading = read({**PASSING, **labels})
    (want,) = reading.wanted
    assert (want.service.hosts, want.service.passes_tls) == (hosts, bool(hosts))
    assert message in [problem.message for problem in reading.problems]


def test_nothing_passes_through_a_port_that_is_off() -> None:
    reading = read(PASSING, replace(POLICY, serves_tls=False))
    (want,) = reading.wanted
    assert (want.service.hosts, want.service.passes_tls, want.service.listens) == ((), False, True)
    assert reading.problems[0].message == "needs the HTTPS port, which is off here; no host leads here"
