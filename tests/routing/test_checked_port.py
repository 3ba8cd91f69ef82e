"""Which port of a task is checked in place of a service's own."""

import pytest

from milepost.model.problem import Severity
from milepost.model.routing import RoutingTable
from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, NetworkMode, Snapshot, Task
from milepost.proxies.haproxy.desired import run_servers
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy

KEY = "HAPROXY_0_BACKEND_HEALTHCHECK_PORT_INDEX"
CHECK = HealthCheck(port_index=0)


def table(
    labels: dict[str, str],
    *checks: HealthCheck,
    exact: bool = False,
    tasks: tuple[tuple[int, ...], ...] = (),
    agents: int = 2,
) -> RoutingTable:
    """Of an app with three ports and a task at each of these lists of ports, on so many agents."""
    ports = tasks or ((31_000, 31_001, 31_002), (30_000, 30_001, 30_002))
    definition = AppDefinition(
        "/web", labels, NetworkMode.BRIDGE, tuple(AppPort(10_000 + n, n) for n in range(3)), checks or (CHECK,)
    )
    hosts = [f"10.0.0.{n % agents}" for n in range(len(ports))]
    placed = [Task(f"t{n}", host, host, found) for n, (host, found) in enumerate(zip(hosts, ports, strict=True))]
    app = App(definition, tuple(placed))
    return build_routing(Snapshot({"/web": app}, "test", 0.0), Policy(("*",), health_check=False, exact=exact))


def checked(found: RoutingTable, service: str = "web_10000") -> list[tuple[int, int | None]]:
    return [(endpoint.port, endpoint.check_port) for endpoint in found.endpoints[service]]


@pytest.mark.parametrize("exact", [True, False], ids=["contract", "run"])
@pytest.mark.parametrize(
    ("labels", "ports"),
    [
        ({}, [(31_000, None), (30_000, None)]),
        ({KEY: "1"}, [(31_000, 31_001), (30_000, 30_001)]),
        ({KEY: "-1"}, [(31_000, 31_002), (30_000, 30_002)]),
        ({KEY: "-3"}, [(31_000, 31_000), (30_000, 30_000)]),
        ({KEY: "0", "HAPROXY_0_PORT": "20000"}, [(31_000, 31_001), (30_000, 30_001)]),
        ({KEY: "1", "HAPROXY_1_ENABLED": "false"}, [(31_000, 31_001), (30_000, 30_001)]),
        ({KEY: "2", "HAPROXY_2_GROUP": "other"}, [(31_000, 31_002), (30_000, 30_002)]),
    ],
)
def test_the_index_counts_all_ports_of_the_app_where_they_listen(
    exact: bool, labels: dict[str, str], ports: list[tuple[int, int | None]]
) -> None:
    service = "web_20000" if "HAPROXY_0_PORT" in labels else "web_10000"
    assert checked(table(labels, exact=exact), service) == ports


@pytest.mark.parametrize("index", ["3", "4", "-4"])
def test_beyond_the_ports_the_own_one_is_checked_and_the_owner_hears_of_it(index: str) -> None:
    found = table({KEY: index})
    assert checked(found) == [(31_000, None), (30_000, None)]
    (problem,) = found.problems
    assert (problem.subject, problem.severity) == (KEY, Severity.WARNING)


def test_in_the_contract_an_index_beyond_the_ports_names_the_own_one() -> None:
    assert checked(table({KEY: "4"}, exact=True)) == [(31_000, 31_000), (30_000, 30_000)]
    assert checked(table({KEY: "-4"}, exact=True)) == [(31_000, 31_000), (30_000, 30_000)]


def test_in_the_contract_the_index_at_which_marathon_lb_stopped_leaves_the_app_out() -> None:
    found = table({KEY: "3"}, exact=True)
    assert not any(found.endpoints.values())
    assert [problem.subject for problem in found.problems] == [KEY]


@pytest.mark.parametrize("exact", [True, False], ids=["contract", "run"])
def test_without_a_check_there_is_no_port_to_choose(exact: bool) -> None:
    found = table({KEY: "3"}, HealthCheck(port_index=9), exact=exact)
    assert checked(found) == [(31_000, None), (30_000, None)]
    assert not found.problems


def test_the_run_profile_checks_the_same_task_and_the_contract_the_one_of_the_same_rank() -> None:
    """Of two tasks on one agent the first has the lower port of the one service and the higher one of the other."""
    tasks = ((31_000, 31_009, 31_002), (31_005, 31_001, 31_003))
    assert checked(table({KEY: "1"}, tasks=tasks, agents=1)) == [(31_000, 31_009), (31_005, 31_001)]
    assert checked(table({KEY: "1"}, exact=True, tasks=tasks, agents=1)) == [(31_000, 31_001), (31_005, 31_009)]


@pytest.mark.parametrize("exact", [True, False], ids=["contract", "run"])
def test_a_task_without_that_port_is_checked_at_its_own(exact: bool) -> None:
    found = table({KEY: "2"}, exact=exact, tasks=((31_000, 31_001, 31_002), (30_000,)))
    assert checked(found) == [(31_000, 31_002), (30_000, 30_000 if exact else None)]


@pytest.mark.parametrize("exact", [True, False], ids=["contract", "run"])
@pytest.mark.parametrize(
    ("check", "mode"),
    [
        (HealthCheck("MESOS_HTTP", "/admin", port_index=1), "http"),
        (HealthCheck("HTTPS", "/admin", port_index=1), "http"),
        (HealthCheck("TCP", port_index=1), "tcp"),
    ],
)
def test_a_port_without_a_check_borrows_that_of_the_other_and_its_mode(
    exact: bool, check: HealthCheck, mode: str
) -> None:
    service = table({KEY: "1", "HAPROXY_0_MODE": "tcp"}, check, exact=exact).services[0]
    assert service.mode == mode
    assert service.check is not None
    assert (service.check.kind, service.check.path) == (mode, check.path)


def test_a_server_of_the_run_profile_is_checked_at_that_port() -> None:
    found = table({KEY: "1"})
    words = [server.words for server in run_servers(found.services[0], found.endpoints["web_10000"])]
    assert all("check inter 60s fall 4 port 3" in word for word in words)
    assert [word.split(" port ")[1].split()[0] for word in words] == ["31001", "30001"]


@pytest.mark.parametrize("exact", [True, False], ids=["contract", "run"])
def test_an_index_that_is_no_number_leaves_out_an_app_in_the_contract_only(exact: bool) -> None:
    found = table({KEY: "one"}, exact=exact)
    assert {problem.subject for problem in found.problems} == {KEY}
    assert checked(found) == [(31_000, None), (30_000, None)] if not exact else not found.services
