"""What HAProxy should be in the run profile, as values: sections, servers, and what stays the same object."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.routing import Check, Endpoint, Retries, RoutingTable, Service
from milepost.model.shared_map import replaced
from milepost.proxies.haproxy.certificate import Certificate, CertificateList
from milepost.proxies.haproxy.config import Desired, Profile, Section
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.render import render

PROFILE = Profile("/run/admin.sock", "/run/maps", max_files=20_000, bind=("10.0.0.9", "fd00::9"))
HOSTS, APPS = "/run/maps/hosts.map", "/run/maps/apps.map"


def service(app_id: str = "/web", port: int = 10_000, mode: str = "http") -> Service:
    return Service(f"{app_id[1:]}_{port}", app_id, 0, port, mode, serves_app_id=mode == "http")


def endpoints(*ports: int) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(f"t{port}", "10.0.0.1", "10.0.0.1", port) for port in ports)


def table(*services: Service) -> RoutingTable:
    return RoutingTable(services, {one.name: endpoints(31_000) for one in services})


def section(desired: Desired, keyword: str, name: str = "") -> Section:
    (found,) = (one for one in desired.structure.sections if (one.keyword, one.name) == (keyword, name))
    return found


def has(desired: Desired, keyword: str, name: str) -> bool:
    return any((one.keyword, one.name) == (keyword, name) for one in desired.structure.sections)


def design(*services: Service, profile: Profile = PROFILE, is_hitless: bool = True) -> Desired:
    return RunDesigner(profile, is_hitless=is_hitless).desired(table(*services))


def test_a_service_has_a_frontend_on_each_address_and_a_backend() -> None:
    desired = design(service(), is_hitless=False)
    frontend = section(desired, "frontend", "web_10000")
    assert frontend.lines == ("bind 10.0.0.9:10000", "bind [fd00::9]:10000", "use_backend web_10000")
    assert frontend.listens == (("10.0.0.9", 10_000), ("fd00::9", 10_000))
    assert frontend.app_id == "/web"
    assert section(desired, "backend", "web_10000").lines == ("balance roundrobin",)


def test_what_http_services_have_in_common_stands_once_in_named_defaults() -> None:
    desired = design(service(), service("/raw", 10_001, "tcp"))
    frontends, backends = (section(desired, "defaults", f"milepost_{kind}").lines for kind in ("frontends", "backends"))
    assert {"mode http", "option idle-close-on-response"} <= {*frontends}
    assert {"mode http", "option forwardfor", "retry-on conn-failure empty-response"} <= {*backends}
    assert section(desired, "frontend", "web_10000").under == "milepost_frontends"
    assert section(desired, "backend", "web_10000").under == "milepost_backends"
    assert section(desired, "frontend", "raw_10001").under == section(desired, "backend", "raw_10001").under == ""
    assert "frontend web_10000 from milepost_frontends\n" in render(desired)


def test_a_service_with_retries_of_its_own_has_all_lines_of_its_own() -> None:
    backend = section(design(replace(service(), retries=Retries(()))), "backend", "web_10000")
    assert backend.under == ""
    assert {"mode http", "option forwardfor", "retry-on none"} <= {*backend.lines}


def test_the_label_for_the_address_beats_the_balancers_own() -> None:
    frontend = section(design(replace(service(), bind_addr="10.0.0.42")), "frontend", "web_10000")
    assert frontend.listens == (("10.0.0.42", 10_000),)


def test_a_service_without_a_task_keeps_its_place() -> None:
    desired = RunDesigner(PROFILE).desired(RoutingTable((service(),), {"web_10000": ()}))
    assert has(desired, "frontend", "web_10000")
    assert desired.servers == {"web_10000": ()}


def test_a_service_that_lost_its_port_has_no_frontend_but_a_backend() -> None:
    desired = design(replace(service(), listens=False))
    assert not has(desired, "frontend", "web_10000")
    assert has(desired, "backend", "web_10000")


def test_hosts_and_app_ids_are_map_entries_and_paths_are_rules_before_the_map() -> None:
    web = replace(service(), hosts=("a.example", "b.example"))
    api = replace(service("/api", 10_001), hosts=("a.example",), path=("-i", "/api", "/v1"))
    desired = design(api, web, is_hitless=False)
    assert desired.maps == {
        HOSTS: (("a.example", "web_10000"), ("b.example", "web_10000")),
        APPS: (("/api", "api_10001"), ("/web", "web_10000")),
    }
    host = "req.hdr(host),field(1,:),lower"
    assert section(desired, "frontend", "marathon_http_in").lines[-2:] == (
        f"use_backend api_10001 if {{ {host} -m str a.example }} {{ path_beg -i /api /v1 }}",
        f"use_backend %[{host},map_str({HOSTS})]",
    )


def test_the_longer_path_of_a_host_comes_first_whoever_has_it() -> None:
    everything = replace(service("/a", 1), hosts=("x.example",), path=("/", "/b/c"))
    part = replace(service("/b", 2), hosts=("x.example",), path=("/b",))
    rules = section(design(everything, part, is_hitless=False), "frontend", "marathon_http_in").lines[-4:-1]
    assert [(rule.split()[1], rule.split(" path_beg ")[1]) for rule in rules] == [
        ("a_1", "/b/c }"),
        ("b_2", "/b }"),
        ("a_1", "/ }"),
    ]


def test_the_tls_frontend_needs_a_certificate() -> None:
    assert not has(design(), "frontend", "marathon_https_in")
    with_tls = design(profile=replace(PROFILE, certificate_list="/c/list"))
    assert (
        section(with_tls, "frontend", "marathon_https_in").lines[0]
        == "bind 10.0.0.9:443 ssl crt-list /c/list alpn h2,http/1.1"
    )


def test_without_a_usable_certificate_there_is_no_tls_until_one_comes() -> None:
    designer = RunDesigner(replace(PROFILE, certificate_list="/c/list"))
    none, one = CertificateList("/c/list", ()), CertificateList("/c/list", (Certificate("/c/a", "/a", "F", "D", ""),))
    made = {}
    services = table(service())
    for number, listed in enumerate((none, one, one, none)):
        made[number] = designer.desired(services, {}, listed)
        assert has(made[number], "frontend", "marathon_https_in") == bool(listed.certificates)
    assert made[1] is made[2]


def test_a_changed_certificate_changes_no_structure() -> None:
    designer = RunDesigner(replace(PROFILE, certificate_list="/c/list"))
    first, second = (CertificateList("/c/list", (Certificate("/c/a", "/a", "F", n, ""),)) for n in "12")
    before = designer.desired(one := table(service()), {}, first)
    after = designer.desired(one, {}, second)
    assert after.structure is before.structure
    assert after.certificates is second


def test_a_port_of_zero_switches_a_listener_off() -> None:
    off = replace(PROFILE, http_port=0, appid_port=0, stats_port=0)
    names = {one.name for one in design(service(), profile=off).structure.sections}
    assert names == {"", "milepost_frontends", "milepost_backends", "web_10000", "milepost_to_new"}


def test_health_and_the_way_out_for_clients_hang_on_a_map_that_is_found_and_not_made() -> None:
    desired = design(service())
    (path,) = desired.found_maps
    draining = f"{{ str(draining),map({path}) -m found }}"
    assert path not in desired.maps
    assert f"monitor fail if {draining}" in section(desired, "listen", "stats").lines
    rules = [one.name for one in desired.structure.sections if any("Connection close" in line for line in one.lines)]
    assert rules == ["milepost_frontends"]


def test_the_head_names_digest_socket_and_log() -> None:
    desired = design(service(), profile=replace(PROFILE, log="127.0.0.1:514 local0"))
    lines = section(desired, "global").lines
    assert lines[0] == f"description milepost {desired.structure.digest}"
    assert "stats socket /run/admin.sock mode 600 level admin expose-fd listeners" in lines
    assert "log 127.0.0.1:514 local0" in lines
    assert "log global" in section(desired, "defaults").lines
    assert not any(line.startswith("log") for line in section(design(), "defaults").lines)


def test_servers_have_an_explicit_id_and_reuse_connections() -> None:
    (server,) = design(service()).servers["web_10000"]
    assert (server.name, server.address, server.port) == ("10_0_0_1_31000", "10.0.0.1", 31_000)
    assert server.options == ("pool-max-conn -1", "pool-purge-delay 5s")


def test_a_check_and_a_cookie_are_words_of_their_own() -> None:
    checked = replace(service(), sticky=True, check=Check("http", "/health", 60, 20, 4, port=8080))
    desired = design(checked)
    (server,) = desired.servers["web_10000"]
    assert server.options[0].startswith("cookie ")
    assert server.options[1] == "check inter 60s fall 4 port 8080"
    lines = section(desired, "backend", "web_10000").lines
    assert "option httpchk GET /health" in lines
    assert "timeout check 20s" in lines
    assert "cookie mesosphere_server_id insert indirect nocache" in lines


def test_a_sticky_server_is_checked_in_any_case() -> None:
    (server,) = design(replace(service(), sticky=True)).servers["web_10000"]
    assert server.options[1] == "check"


@pytest.mark.parametrize("balance", ["source", "uri depth 3", "hdr(X-User)", "url_param user", "rdp-cookie(x)"])
def test_hashing_is_consistent_so_that_servers_can_be_added_live(balance: str) -> None:
    desired = design(replace(service(), balance=balance))
    assert "hash-type consistent" in section(desired, "backend", "web_10000").lines


def test_what_hitless_operation_needs_is_in_http_only_and_can_be_switched_off() -> None:
    web, raw = service(), service("/raw", 10_001, "tcp")
    plain, hitless = design(web, raw, is_hitless=False), design(web, raw)
    assert section(plain, "frontend", "raw_10001") == section(hitless, "frontend", "raw_10001")
    assert section(plain, "backend", "raw_10001") == section(hitless, "backend", "raw_10001")
    assert not has(plain, "backend", "milepost_to_new")
    assert section(hitless, "frontend", "web_10000").lines[2:] == (
        "tcp-request connection expect-proxy layer4 if { src 127.255.0.9 }",
        "use_backend milepost_to_new if { stopping } { dst 0.0.0.0/0 }",
        "use_backend web_10000",
    )
    added = [
        {*section(hitless, "defaults", name).lines} - {*section(plain, "defaults", name).lines}
        for name in ("milepost_frontends", "milepost_backends")
    ]
    assert added == [
        {"option idle-close-on-response"},
        {
            "retry-on conn-failure empty-response",
            "http-request disable-l7-retry unless { method GET HEAD OPTIONS }",
        },
    ]


@pytest.mark.parametrize(
    ("retries", "lines"),
    [
        (Retries(()), ("retry-on none",)),
        (Retries(("conn-failure",)), ("retry-on conn-failure",)),
        (
            Retries(("conn-failure", "503")),
            ("retry-on conn-failure 503", "http-request disable-l7-retry unless { method GET HEAD OPTIONS }"),
        ),
        (Retries(("empty-response",), any_method=True), ("retry-on empty-response",)),
    ],
)
def test_what_may_have_been_done_is_not_asked_again_unless_an_owner_says_so(
    retries: Retries, lines: tuple[str, ...]
) -> None:
    one = replace(service(), retries=retries)
    plain = section(design(one, is_hitless=False), "backend", "web_10000").lines
    assert section(design(one), "backend", "web_10000").lines == (*plain, *lines)


def test_the_last_requests_over_tls_go_on_over_tls() -> None:
    desired = design(profile=replace(PROFILE, bind=("*",), certificate_list="/c/list"))
    assert "use_backend milepost_to_new_tls if { stopping }" in section(desired, "frontend", "marathon_https_in").lines
    assert section(desired, "backend", "milepost_to_new_tls").lines[-1].endswith("ssl verify none")
    assert "use_backend milepost_to_new if { stopping }" in section(desired, "frontend", "marathon_http_in").lines


def test_a_withheld_service_only_loses_its_listener() -> None:
    one = table(replace(service(), hosts=("a.example",)))
    desired = RunDesigner(PROFILE).desired(one, {"web_10000": "port 10000 is taken by another process"})
    assert not has(desired, "frontend", "web_10000")
    assert desired.maps[HOSTS] == (("a.example", "web_10000"),)
    assert desired.servers["web_10000"]


def test_nothing_is_left_of_a_withheld_app() -> None:
    both = table(replace(service(), hosts=("a.example",)), service("/api", 10_001))
    desired = RunDesigner(PROFILE).desired(both, {"/web": "HAProxy refuses it"})
    assert desired.apps == {"api_10001": "/api"}
    assert desired.maps == {HOSTS: (), APPS: (("/api", "api_10001"),)}
    assert "web" not in render(desired)


def test_another_task_changes_the_servers_of_its_service_and_nothing_else() -> None:
    designer = RunDesigner(PROFILE)
    before = table(service(), service("/api", 10_001))
    after = replace(before, endpoints={**before.endpoints, "web_10000": endpoints(31_000, 31_001)})
    old, new = designer.desired(before), designer.desired(after)
    assert new.structure is old.structure
    assert new.maps is old.maps
    assert new.servers["api_10001"] is old.servers["api_10001"]
    assert [server.port for server in new.servers["web_10000"]] == [31_000, 31_001]


def test_another_app_leaves_the_servers_of_the_first_the_same_object() -> None:
    designer = RunDesigner(PROFILE)
    before = table(service())
    after = RoutingTable((service("/api", 10_001), *before.services), {"api_10001": endpoints(1), **before.endpoints})
    old, new = designer.desired(before), designer.desired(after)
    assert new.structure.digest != old.structure.digest
    assert new.servers["web_10000"] is old.servers["web_10000"]


services = st.builds(
    service, st.sampled_from(["/web", "/api", "/raw"]), st.just(10_000), st.sampled_from(["http", "tcp"])
)
pools = st.lists(st.integers(1, 3), max_size=3, unique=True).map(lambda ports: endpoints(*sorted(ports)))
withholdings = st.dictionaries(st.sampled_from(["/web", "api_10000"]), st.just("a reason"))


@st.composite
def tables(draw: st.DrawFn) -> RoutingTable:
    found = tuple(draw(st.lists(services, max_size=3, unique_by=lambda one: one.name)))
    return RoutingTable(found, {one.name: draw(pools) for one in found})


@st.composite
def moments(draw: st.DrawFn) -> list[tuple[RoutingTable, dict[str, str]]]:
    """Tables that follow one another: a new one, or the services of the last with other pools."""
    found, known = [], draw(tables())
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            known = draw(tables())
        else:
            news = draw(st.dictionaries(st.sampled_from([*known.endpoints]), pools)) if known.endpoints else {}
            known = replace(known, endpoints=replaced(known.endpoints, news))
        found.append((known, draw(withholdings)))
    return found


def test_slow_start_is_a_word_of_every_server_and_off_by_default() -> None:
    slow = RunDesigner(replace(PROFILE, slow_start_s=1.5)).desired(table(service()))
    (server,) = slow.servers["web_10000"]
    assert server.options == ("slowstart 1500ms", "pool-max-conn -1", "pool-purge-delay 5s")


@given(moments())
def test_a_designer_that_remembers_designs_what_a_new_one_designs(
    history: list[tuple[RoutingTable, dict[str, str]]],
) -> None:
    designer = RunDesigner(PROFILE)
    for moment, withheld in history:
        desired = designer.desired(moment, withheld)
        assert desired == RunDesigner(PROFILE).desired(moment, withheld)
        assert render(desired) == render(RunDesigner(PROFILE).desired(moment, withheld))


@given(tables())
def test_the_structure_does_not_follow_tasks(one: RoutingTable) -> None:
    empty = replace(one, endpoints=dict.fromkeys(one.endpoints, ()))
    assert RunDesigner(PROFILE).desired(one).structure == RunDesigner(PROFILE).desired(empty).structure
