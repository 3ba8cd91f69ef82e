"""The contract profile writes what marathon-lb wrote, line by line, for every case that needs no more than we have."""

from collections import defaultdict

import pytest

from milepost.proxies.haproxy.contract import contract_desired
from milepost.proxies.haproxy.render import render, render_map
from support.conformance import Case, all_cases, to_compare
from support.shared import needs_shared

pytestmark = needs_shared

PASSING = [
    "app-all-tasks-excluded",
    "app-id-nested-dots",
    "app-without-tasks",
    "appid-frontend-first-http-port",
    "bad-other-group",
    "bad-port-not-number",
    "bad-task-without-host-member",
    "balance-values",
    "bg-all-new-healthy",
    "bg-below-target",
    "bg-blue-only",
    "bg-first-healthy",
    "bg-green-no-results",
    "bg-green-starting",
    "bg-half-way",
    "bg-hybrid",
    "bg-labels-of-old-win",
    "bg-marathon15",
    "bg-nested-group",
    "bg-no-dates",
    "bg-no-health-checks",
    "bg-old-scaled-to-zero",
    "bg-real-answer",
    "bg-timezone-mismatch",
    "bg-with-health-flag",
    "bind-addr",
    "boolean-spellings",
    "bridge-task-without-ports-m15",
    "check-command",
    "check-command-mode-http",
    "check-command-mode-http-sticky",
    "check-command-with-port-index",
    "check-explicit-port",
    "check-first-match-wins",
    "check-http",
    "check-http-mode-tcp",
    "check-http-without-path",
    "check-https",
    "check-mesos_http",
    "check-mesos_http-mode-http",
    "check-mesos_https-mode-http",
    "check-mesos_tcp",
    "check-no-port-index",
    "check-path-with-special-characters",
    "check-second-port-only",
    "check-tcp",
    "check-tcp-mode-http",
    "cleanup-duplicate-names",
    "dry-run",
    "enabled-labels",
    "group-hybrid",
    "grouped-dont-bind",
    "groups-external",
    "groups-star",
    "groups-two-flags",
    "health-flag-off",
    "health-flag-on",
    "health-flag-remembers",
    "host-name-localhost",
    "host-name-unresolvable",
    "host-task-without-ports",
    "ip-per-task-many-on-one-agent",
    "ip-per-task-same-agent-same-host-value",
    "ip-per-task-two-addresses",
    "ip-per-task-without-address",
    "labels-beyond-ports",
    "m08-host-ports-only",
    "m14-host-portdefinitions",
    "m14-ipaddress-assign-off",
    "m14-ipaddress-custom-range",
    "m14-ipaddress-discovery-assigned",
    "m14-user-network",
    "m15-bridge-ucr",
    "m15-container-network",
    "m15-container-network-two-ports",
    "m15-container-no-service-port",
    "m15-host-docker",
    "map-app-in-two-http-ports",
    "map-dont-bind",
    "map-no-vhosts",
    "map-other-config-dir",
    "map-same-vhost-twice",
    "map-simple",
    "map-switched-off-later",
    "mode-values",
    "more-task-ports-than-service-ports",
    "no-apps",
    "no-apps-multi-cert",
    "null-fields",
    "path-list-case-insensitive",
    "path-without-vhost",
    "port-label",
    "port-label-two-apps-one-port",
    "seed-nginx1-and-nginx2",
    "seed-nginx1-no-group",
    "seed-nginx2-external",
    "seed-nginx2-marathon15",
    "server-id-collision",
    "server-sort-order",
    "service-port-zero",
    "service-sort-order",
    "strict-mode",
    "strict-mode-nothing-enabled",
    "task-states",
    "task-without-host",
    "two-apps-same-service-port",
    "udp-mapping",
    "unknown-labels",
    "vhost-empty",
    "vhost-mode-tcp",
    "vhost-multi",
    "vhost-multi-path",
    "vhost-shared-by-two-apps",
    "vhost-single",
    "vhost-single-path",
    "vhost-uppercase-and-spaces",
    "vhost-with-port-and-underscore",
]

# Here HAProxy's check left the second of two apps with one name out. We know that without asking HAProxy.
NEEDS_LESS = {"cleanup-duplicate-names"}


@pytest.mark.parametrize("name", PASSING)
def test_the_text_is_what_marathon_lb_wrote(name: str) -> None:
    case = Case(name)
    desired = contract_desired(case.table, case.contract_flags)
    expected, got = to_compare(case, render(desired))
    assert got == expected
    maps = {path.rpartition("/")[2]: render_map(entries) for path, entries in desired.maps.items()}
    assert maps == case.expected_maps


def test_no_case_is_forgotten() -> None:
    """Whatever is not in the list waits for a label, a flag or another feature that milepost has not yet."""
    waiting = defaultdict(list)
    for name in all_cases():
        if name not in NEEDS_LESS:
            for need in Case(name).needs:
                waiting[need].append(name)
    waiting_names = {name for names in waiting.values() for name in names}
    assert sorted(set(all_cases()) - waiting_names) == PASSING, dict(waiting)


@pytest.mark.parametrize("name", [name for name in PASSING if name.startswith("bad-")])
def test_the_app_that_stopped_marathon_lb_is_left_out_and_named(name: str) -> None:
    case = Case(name)
    table = case.table
    bad_apps = case.meta["isolate"]["apps"]
    assert {problem.app_id for problem in table.problems} == set(bad_apps)
    assert all(table.dropped[app_id] for app_id in bad_apps)
