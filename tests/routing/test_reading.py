"""What an app's labels and ports come to, before any other app has a say."""

from collections.abc import Mapping

import pytest

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Auth, Retries, Rewrites, Service
from milepost.model.snapshot import AppDefinition, AppPort, HealthCheck, NetworkMode
from milepost.routing.policy import Policy
from milepost.routing.reading import AppReading, read_app

HASHED = "r:joe:$5$salt$" + "a" * 43
POLICY = Policy(groups=("external",))
EXACT = Policy(groups=("external",), exact=True)


def definition(
    labels: Mapping[str, str] | None = None, *ports: AppPort, checks: tuple[HealthCheck, ...] = (), app_id: str = "/web"
) -> AppDefinition:
    named = {"HAPROXY_GROUP": "external", **(labels or {})}
    return AppDefinition(app_id, named, NetworkMode.BRIDGE, ports or (AppPort(10_000, 0),), checks)


def read(
    labels: Mapping[str, str] | None = None,
    *ports: AppPort,
    checks: tuple[HealthCheck, ...] = (),
    policy: Policy = POLICY,
) -> AppReading:
    return read_app(definition(labels, *ports, checks=checks), policy)


def service_of(reading: AppReading) -> Service:
    (want,) = reading.wanted
    return want.service


def ports_of(reading: AppReading) -> list[int]:
    return [want.service.port for want in reading.wanted]


TWO_PORTS = (AppPort(10_000, 0), AppPort(10_001, 1))


@pytest.mark.parametrize(
    ("labels", "policy", "reason"),
    [
        ({"HAPROXY_GROUP": "internal"}, POLICY, "is in group 'internal', this balancer serves group 'external'"),
        ({"HAPROXY_GROUP": ""}, POLICY, "is in group '', this balancer serves group 'external'"),
        ({"HAPROXY_0_GROUP": ""}, POLICY, "is in group '', this balancer serves group 'external'"),
        ({"HAPROXY_GROUP": "*"}, POLICY, "is in group '*', this balancer serves group 'external'"),
        ({"HAPROXY_0_ENABLED": "false"}, POLICY, "HAPROXY_0_ENABLED is false"),
        ({}, Policy(("external",), strict=True), "strict mode, and HAPROXY_0_ENABLED is not set"),
        ({"HAPROXY_0_ENABLED": "no"}, Policy(("*",)), "HAPROXY_0_ENABLED is no"),
    ],
)
def test_a_port_that_is_not_selected_is_dropped_with_the_reason(
    labels: Mapping[str, str], policy: Policy, reason: str
) -> None:
    reading = read(labels, policy=policy)
    assert not reading.wanted
    assert [(drop.index, drop.reason) for drop in reading.dropped] == [(0, reason)]
    assert not reading.problems


def test_an_app_without_groups_is_taken_only_by_a_balancer_that_takes_all() -> None:
    app = AppDefinition("/web", {}, NetworkMode.BRIDGE, (AppPort(10_000, 0),))
    assert read_app(app, POLICY).dropped[0].reason == "is in no group, this balancer serves group 'external'"
    assert read_app(app, Policy(("*",))).wanted


def test_the_group_of_a_port_beats_that_of_the_app() -> None:
    reading = read({"HAPROXY_GROUP": "internal", "HAPROXY_1_GROUP": "external"}, *TWO_PORTS)
    assert ports_of(reading) == [10_001]


@pytest.mark.parametrize(
    ("labels", "subject", "message"),
    [
        ({"HAPROXY_0_PORT": "http"}, "HAPROXY_0_PORT", "expected a port, 1 to 65535, got 'http'"),
        ({"HAPROXY_0_MODE": "udp"}, "HAPROXY_0_MODE", "expected http or tcp, got 'udp'"),
        ({"HAPROXY_0_BIND_ADDR": "unix@/x"}, "HAPROXY_0_BIND_ADDR", "expected an IP address, or * for all, got"),
        ({"HAPROXY_0_BALANCE": "bogus"}, "HAPROXY_0_BALANCE", "expected an algorithm of HAProxy's `balance`"),
        ({"HAPROXY_0_ENABLED": "maybe"}, "HAPROXY_0_ENABLED", "expected true or false, got 'maybe'"),
    ],
)
def test_a_bad_label_costs_its_port_and_nothing_else(labels: Mapping[str, str], subject: str, message: str) -> None:
    reading = read(labels, *TWO_PORTS)
    assert ports_of(reading) == [10_001]
    (problem,) = reading.problems
    assert (problem.subject, problem.severity) == (subject, Severity.ERROR)
    assert problem.message.startswith(message)
    assert [(drop.index, drop.reason) for drop in reading.dropped] == [(0, f"{subject}: {problem.message}")]


def test_an_app_that_is_to_be_skipped_is_left_out_with_the_reason_and_no_problem() -> None:
    reading = read(policy=Policy(groups=("external",), skipped=frozenset({"/web"})))
    assert (reading.wanted, reading.problems) == ((), ())
    assert [drop.reason for drop in reading.dropped] == ["is left out by the setting routing.skip"]


def test_the_exact_profile_leaves_the_whole_app_out() -> None:
    reading = read({"HAPROXY_0_PORT": "http"}, *TWO_PORTS, policy=EXACT)
    assert not reading.wanted
    assert reading.dropped[0].index is None
    assert reading.problems[0].subject == "HAPROXY_0_PORT"


def test_the_name_of_a_source_stands_before_the_names_of_its_services() -> None:
    reading = read_app(definition(app_id="east:/shop/web"), POLICY)
    assert [want.service.name for want in reading.wanted] == ["east:shop_web_10000"]


@pytest.mark.parametrize(
    "app_id", ["east:a", "a:b:/c", ":/a", "e/st:/a", "/a b", '/a"', "/a\n", "/a/", "/", "/ä", "/a/{b}", "/" + "a" * 255]
)
@pytest.mark.parametrize("policy", [POLICY, EXACT])
def test_an_app_id_that_cannot_be_a_name_is_refused(app_id: str, policy: Policy) -> None:
    reading = read_app(definition(app_id=app_id), policy)
    assert not reading.wanted
    assert reading.problems[0].subject == "app"


def test_without_labels_a_service_is_what_its_port_says() -> None:
    assert service_of(read()) == Service("web_10000", "/web", 0, 10_000, "tcp")


def test_the_port_label_moves_listener_and_name() -> None:
    service = service_of(read({"HAPROXY_0_PORT": "8080"}))
    assert (service.name, service.port) == ("web_8080", 8080)


CHECK = HealthCheck(port_index=0)


@pytest.mark.parametrize(
    ("labels", "check", "mode"),
    [
        ({}, None, "tcp"),
        ({}, CHECK, "http"),
        ({"HAPROXY_0_MODE": "tcp"}, CHECK, "tcp"),
        ({}, HealthCheck(protocol="MESOS_HTTP", port_index=0), "tcp"),
        ({}, HealthCheck(port_index=1), "tcp"),
        ({}, HealthCheck(port=8080), "http"),
        ({"HAPROXY_0_VHOST": "a.example"}, None, "http"),
        ({"HAPROXY_0_VHOST": ""}, None, "tcp"),
        ({"HAPROXY_0_MODE": "HTTP"}, None, "http"),
    ],
)
def test_the_mode_follows_label_check_and_host(labels: Mapping[str, str], check: HealthCheck | None, mode: str) -> None:
    assert service_of(read(labels, checks=(check,) if check else ())).mode == mode


@pytest.mark.parametrize(
    ("protocol", "mode", "kind"),
    [
        ("HTTP", "http", "http"),
        ("HTTP", "tcp", "tcp"),
        ("HTTPS", "http", "http"),
        ("TCP", "http", "tcp"),
        ("MESOS_TCP", "tcp", "tcp"),
    ],
)
def test_the_check_follows_the_mode(protocol: str, mode: str, kind: str) -> None:
    asked = HealthCheck(protocol, "/health", None, 0, interval_s=5, timeout_s=2, max_consecutive_failures=1)
    check = service_of(read({"HAPROXY_0_MODE": mode}, checks=(asked,))).check
    assert check
    assert (check.kind, check.path, check.interval_s, check.timeout_s, check.fall) == (kind, "/health", 5, 2, 2)


def test_numbers_that_haproxy_does_not_take_are_brought_to_the_nearest_it_does() -> None:
    asked = HealthCheck(port_index=0, interval_s=0, timeout_s=10**9, max_consecutive_failures=2**32)
    check = service_of(read(checks=(asked,))).check
    assert check
    assert (check.interval_s, check.timeout_s, check.fall) == (1, 86_400, 1_000_001)


def test_a_command_is_not_turned_into_a_request() -> None:
    command = HealthCheck(protocol="COMMAND", port_index=0)
    assert service_of(read(checks=(command,))).check is None
    assert service_of(read(checks=(command,), policy=EXACT)).check


@pytest.mark.parametrize("path", ["/a\n  server x", "/a b", "health", '/"', "/a#b"])
def test_a_check_path_that_would_break_the_line_is_not_checked(path: str) -> None:
    reading = read(checks=(HealthCheck(path=path, port_index=0),))
    assert service_of(reading).check is None
    assert reading.problems[0].subject == "health check"


def test_a_host_with_mode_tcp_leads_nowhere() -> None:
    reading = read({"HAPROXY_0_VHOST": "a.example", "HAPROXY_0_MODE": "tcp"})
    assert not service_of(reading).hosts
    assert "needs mode http" in reading.problems[0].message


@pytest.mark.parametrize("balance", ["uri depth 3", "url_param user", "hdr(X-User)"])
def test_balancing_by_the_request_needs_requests(balance: str) -> None:
    reading = read({"HAPROXY_0_BALANCE": balance, "HAPROXY_0_MODE": "tcp"})
    assert service_of(reading).balance == "roundrobin"
    assert reading.problems[0].severity is Severity.WARNING
    assert service_of(read({"HAPROXY_0_BALANCE": balance, "HAPROXY_0_MODE": "http"})).balance == balance


def test_a_bad_path_opens_no_path_at_all() -> None:
    reading = read({"HAPROXY_0_VHOST": "a.example", "HAPROXY_0_PATH": "api"})
    assert not service_of(reading).hosts
    assert reading.problems[0].subject == "HAPROXY_0_PATH"


@pytest.mark.parametrize(
    ("label", "text"), [("AUTH", "realm:joe:s3cret"), ("AUTH", ""), ("REDIRECT_TO_HTTPS", "always")]
)
def test_no_host_leads_to_a_port_whose_guard_cannot_be_read(label: str, text: str) -> None:
    reading = read({"HAPROXY_0_VHOST": "a.example", f"HAPROXY_0_{label}": text})
    assert not service_of(reading).hosts
    (problem,) = reading.problems
    assert (problem.subject, problem.severity) == (f"HAPROXY_0_{label}", Severity.ERROR)
    assert "s3cret" not in problem.message


@pytest.mark.parametrize(
    "labels",
    [
        {"BACKEND_NETWORK_ALLOWED_ACL": "10.0.0.0/33"},
        {"AUTH": "realm:joe:s3cret", "AUTH_EVERYWHERE": "true"},
        {"AUTH": HASHED, "AUTH_EVERYWHERE": "perhaps"},
        {"AUTH": HASHED, "AUTH_EVERYWHERE": "true", "MODE": "tcp"},
    ],
)
def test_a_port_whose_guard_cannot_stand_is_left_out(labels: dict[str, str]) -> None:
    reading = read({"HAPROXY_0_MODE": "http"} | {f"HAPROXY_0_{name}": text for name, text in labels.items()})
    assert not reading.wanted
    assert {problem.severity for problem in reading.problems} == {Severity.ERROR}


def test_what_guards_and_rewrites_is_read() -> None:
    labels = {
        "VHOST": "a.example",
        "AUTH": HASHED,
        "AUTH_EVERYWHERE": "true",
        "REDIRECT_TO_HTTPS": "true",
        "BACKEND_NETWORK_ALLOWED_ACL": "10.0.0.1 fd00::/8",
        "USE_HSTS": "true",
        "HTTP_BACKEND_PROXYPASS_PATH": "/app",
        "HTTP_BACKEND_REVPROXY_PATH": "/app\\3",
        "HTTP_BACKEND_REDIR": "/app/",
    }
    reading = read({f"HAPROXY_0_{name}": text for name, text in labels.items()})
    service = service_of(reading)
    assert service.auth == Auth("r", "joe", HASHED.removeprefix("r:joe:"), is_everywhere=True)
    assert service.redirects_to_https
    assert service.networks == ("10.0.0.1/32", "fd00::/8")
    assert service.rewrites == Rewrites(hsts=True, proxypass_path="/app", revproxy_path="/app", root_redirect="/app/")
    assert not reading.problems


@pytest.mark.parametrize("label", ["USE_HSTS", "HTTP_BACKEND_PROXYPASS_PATH", "HTTP_BACKEND_REDIR", "BACKEND_WEIGHT"])
def test_a_wish_that_cannot_be_read_costs_itself_only(label: str) -> None:
    reading = read({"HAPROXY_0_VHOST": "a.example", f"HAPROXY_0_{label}": "a b"})
    assert service_of(reading).hosts == ("a.example",)
    assert service_of(reading).rewrites == Rewrites()
    assert [problem.subject for problem in reading.problems] == [f"HAPROXY_0_{label}"]


@pytest.mark.parametrize(
    ("labels", "weight"),
    [
        ({}, 0),
        ({"PATH": "/a"}, 1),
        ({"PATH": "/a", "BACKEND_WEIGHT": "0"}, 1),
        ({"PATH": "/a", "BACKEND_WEIGHT": "-1"}, -1),
        ({"BACKEND_WEIGHT": "7"}, 7),
    ],
)
def test_a_path_weighs_one_at_least_where_nothing_else_is_said(labels: dict[str, str], weight: int) -> None:
    named = {f"HAPROXY_0_{name}": text for name, text in labels.items()}
    assert service_of(read({"HAPROXY_0_VHOST": "a.example", **named})).weight == weight


@pytest.mark.parametrize(
    ("labels", "severity", "retries"),
    [
        ({"HAPROXY_0_MODE": "http", "HAPROXY_0_RETRY_ON": "always"}, Severity.ERROR, Retries()),
        ({"HAPROXY_0_MODE": "tcp", "HAPROXY_0_RETRY_ON": "none"}, Severity.WARNING, Retries()),
        ({"HAPROXY_0_MODE": "http", "HAPROXY_0_RETRY_ON": "none"}, None, Retries(())),
        ({"HAPROXY_0_MODE": "http"}, None, Retries()),
    ],
)
def test_retries_that_cannot_be_read_leave_the_default(
    labels: dict[str, str], severity: Severity | None, retries: Retries
) -> None:
    reading = read(labels)
    assert reading.wanted[0].service.retries == retries
    assert [problem.severity for problem in reading.problems] == ([severity] if severity else [])


def test_labels_without_effect_are_told() -> None:
    labels = {
        "HAPROXY_0_AUTH": HASHED,
        "HAPROXY_0_AUTH_EVERYWHERE": "false",
        "HAPROXY_0_BACKEND_WEIGHT": "2",
        "HAPROXY_0_REDIRECT_TO_HTTPS": "true",
        "HAPROXY_0_USE_HSTS": "true",
        "HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH": "/app",
        "HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH": "/app",
        "HAPROXY_0_HTTP_BACKEND_REDIR": "/app",
        "HAPROXY_0_MOED": "http",
        "HAPROXY_7_PORT": "80",
        "HAPROXY_DEPLOYMENT_GRUOP": "x",
        "HAPROXY_0_PATH": "/a",
        "HAPROXY_0_STICKY": "true",
        "OTHER": "x",
    }
    problems = {problem.subject: problem for problem in read(labels).problems}
    assert problems.keys() == labels.keys() - {"OTHER", "HAPROXY_0_AUTH_EVERYWHERE"}
    assert {problem.severity for problem in problems.values()} == {Severity.WARNING}
    assert problems["HAPROXY_0_AUTH"].message == "has no effect without HAPROXY_0_VHOST"
    assert problems["HAPROXY_DEPLOYMENT_GRUOP"].message.endswith("; did you mean HAPROXY_DEPLOYMENT_GROUP?")
    assert problems["HAPROXY_0_USE_HSTS"].message == "has no effect: needs mode http, but the mode is tcp"
    assert problems["HAPROXY_0_MOED"].message == "unknown label, ignored; did you mean HAPROXY_0_MODE?"
    assert "has no effect" in problems["HAPROXY_7_PORT"].message


def test_a_redirect_of_the_root_needs_a_host() -> None:
    reading = read({"HAPROXY_0_MODE": "http", "HAPROXY_0_HTTP_BACKEND_REDIR": "/app", "HAPROXY_0_USE_HSTS": "false"})
    assert [problem.message for problem in reading.problems] == ["has no effect without HAPROXY_0_VHOST"]
    everywhere = read({"HAPROXY_0_MODE": "http", "HAPROXY_0_AUTH_EVERYWHERE": "true"})
    assert [problem.message for problem in everywhere.problems] == ["has no effect without HAPROXY_0_AUTH"]


def test_only_the_first_of_very_many_labels_without_effect_are_told() -> None:
    assert len(read({f"HAPROXY_{index}_VHSOT": "" for index in range(1000)}).problems) == 20


def test_nobody_is_bothered_about_labels_of_an_app_that_is_not_selected() -> None:
    assert not read({"HAPROXY_GROUP": "internal", "HAPROXY_0_PORT": "x", "HAPROXY_0_AUTH": "y"}).problems


def test_a_udp_port_is_left_out_with_a_warning() -> None:
    reading = read({}, AppPort(53, 0, "udp"), AppPort(53, 1, "tcp"), AppPort(54, 2, "udp,tcp"))
    assert ports_of(reading) == [53, 54]
    assert reading.problems == (
        Problem("/web", "port 53", "UDP only, which the balancer does not carry", Severity.WARNING),
    )
    assert ports_of(read({}, AppPort(53, 0, "udp"), policy=EXACT)) == [53]


def test_port_zero_is_left_out() -> None:
    reading = read({}, AppPort(0, 0), AppPort(10_001, 1))
    assert ports_of(reading) == [10_001]
    assert reading.problems[0].subject == "port 0"


def test_the_same_port_twice_is_one_service_with_the_labels_of_the_last() -> None:
    reading = read({"HAPROXY_0_MODE": "tcp", "HAPROXY_1_MODE": "http"}, AppPort(80, 0), AppPort(80, 1))
    (want,) = reading.wanted
    assert (want.service.mode, want.service.index, want.positions) == ("http", 1, (0, 1))


def test_a_mapping_without_service_port_shifts_nothing_but_in_the_exact_profile() -> None:
    ports = (AppPort(10_000, 1),)  # the first mapping has no service port
    assert read({}, *ports).wanted[0].positions == (1,)
    assert read({}, *ports, policy=EXACT).wanted[0].positions == (0,)


def test_the_first_http_service_by_port_serves_the_app_id() -> None:
    labels = {"HAPROXY_1_MODE": "http", "HAPROXY_2_MODE": "http"}
    reading = read(labels, AppPort(10_000, 0), AppPort(10_009, 1), AppPort(10_002, 2))
    assert [(w.service.port, w.service.serves_app_id) for w in reading.wanted] == [
        (10_000, False),
        (10_002, True),
        (10_009, False),
    ]
