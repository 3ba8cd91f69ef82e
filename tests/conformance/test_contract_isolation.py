"""Whatever owners write: there is a text, and nothing of one app stands in the part of another."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, NetworkMode, Snapshot, Task
from milepost.proxies.haproxy.contract import ContractFlags, contract_for, served_ids
from milepost.proxies.haproxy.templates.defaults import OF_APPS
from milepost.routing.labels import TABLE
from milepost.routing.policy import Policy

POLICY = Policy(("*",), health_check=False)
MARK = "zebra"
"""In every label of the one app, in none of the other's."""

TEMPLATES = [template.name for template in OF_APPS]
NAMES = [label.name for label in TABLE]

values = st.sampled_from(
    [
        "{backend}",
        "{hostname} {path}",
        "}",
        "\nfrontend x\n  bind :1",
        "  acl a path /\r\n  use_backend b",
        "a:b:c",
        "::",
        "true",
        "http",
        "tcp",
        "0",
        "-1",
        "1",
        "/a /b",
        "a.example,b.example",
        "reqrep (",
        'rspadd "',
        "\\",
        "é\u2028",
        "",
    ]
) | st.text(max_size=12)
marked = st.builds(lambda value, at: value[:at] + MARK + value[at:], values, st.integers(0, 4))
plain = values.filter(lambda value: MARK not in value)
keys = st.builds(lambda index, name: f"HAPROXY_{index}_{name}", st.integers(0, 1), st.sampled_from(NAMES + TEMPLATES))


def labels(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    usual = st.fixed_dictionaries(
        {},
        optional={
            "HAPROXY_0_VHOST": st.sampled_from(["shared.example", "shared.example,other.example"]),
            "HAPROXY_0_PATH": st.just("/p"),
            "HAPROXY_0_AUTH": st.just("r:u:p"),
            "HAPROXY_0_REDIRECT_TO_HTTPS": st.just("true"),
            "HAPROXY_0_STICKY": st.just("true"),
        },
    )
    return st.builds(lambda found, odd: {**found, **odd}, usual, st.dictionaries(keys, texts, max_size=3))


flags = st.builds(
    ContractFlags, use_maps=st.booleans(), group_by_host=st.booleans(), dont_bind=st.booleans(), legacy=st.booleans()
)
checks = st.sampled_from([(), (HealthCheck(port_index=0),), (HealthCheck("TCP", port=81),), (HealthCheck(path="/ x"),)])


def app(app_id: str, found: Mapping[str, str], health_checks: tuple[HealthCheck, ...], number: int) -> App:
    ports = (AppPort(number, 0), AppPort(number + 1, 1))
    definition = AppDefinition(app_id, dict(found), NetworkMode.BRIDGE, ports, health_checks)
    tasks = [Task(f"{app_id}.{host}", f"10.0.0.{host}", f"10.0.0.{host}", (number, number + 1)) for host in (1, 2)]
    return App(definition, tuple(tasks), 2)


def snapshot(*apps: App) -> Snapshot:
    return Snapshot({one.id: one for one in apps}, "test", 0.0)


@given(labels(marked), labels(plain), checks, flags)
def test_what_one_owner_writes_stands_in_no_block_of_another(
    odd: dict[str, str], other: dict[str, str], health_checks: tuple[HealthCheck, ...], found: ContractFlags
) -> None:
    _, contract = contract_for(
        snapshot(app("/odd", odd, health_checks, 31_000), app("/other", other, (), 32_000)), POLICY, found
    )
    by_host = ("marathon_https_in", "req_ssl_sni", "bind abns@", "frontend ", "backend ")  # of a host, not of an app
    for block in contract.blocks:
        if block.app_id != "/odd":
            assert MARK not in block.text or (not block.app_id and any(word in block.text for word in by_host))
        assert block.text.endswith("\n")


@given(labels(values), checks, flags)
def test_one_app_changes_nothing_in_the_own_sections_of_the_others(
    odd: dict[str, str], health_checks: tuple[HealthCheck, ...], found: ContractFlags
) -> None:
    good = app("/good", {"HAPROXY_0_MODE": "http", "HAPROXY_0_VHOST": "good.example"}, (), 32_000)
    both = snapshot(app("/odd", odd, health_checks, 31_000), good)
    _, alone = contract_for(both, POLICY, found, without={"/odd"})
    _, beside = contract_for(both, POLICY, found)
    own = [block.text for block in beside.blocks if block.app_id == "/good" and "map(" not in block.text]
    assert own == [block.text for block in alone.blocks if block.app_id == "/good" and "map(" not in block.text]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_that_cannot_be_filled_in_leaves_its_app_out_or_is_not_used(name: str) -> None:
    bad = app("/bad", {f"HAPROXY_0_{name}": "{no_such}", "HAPROXY_0_VHOST": "bad.example"}, (), 31_000)
    _, contract = contract_for(snapshot(bad, app("/good", {}, (), 32_000)), POLICY)
    owners = {block.app_id for block in contract.blocks}
    assert "/good" in owners
    is_used = "/bad" not in owners
    assert [problem.app_id for problem in contract.problems] == ["/bad"] * is_used
    assert all(f"HAPROXY_0_{name}" == problem.subject for problem in contract.problems)


def test_a_line_leads_to_the_app_it_comes_from() -> None:
    _, contract = contract_for(snapshot(app("/a", {}, (), 31_000), app("/b", {}, (), 32_000)), POLICY)
    lines = contract.text.split("\n")
    assert contract.owner_of_line(1) == ""
    assert contract.owner_of_line(lines.index("backend a_31000") + 1) == "/a"
    assert contract.owner_of_line(lines.index("backend b_32001") + 2) == "/b"
    assert contract.owner_of_line(len(lines) + 1) == ""


def test_a_group_of_colours_is_left_out_by_its_id_or_by_one_of_its_apps() -> None:
    group = {"HAPROXY_DEPLOYMENT_GROUP": "shop"}
    apps = snapshot(app("/a", {}, (), 31_000), app("/blue", group, (), 32_000), app("/green", group, (), 32_000))
    assert served_ids(apps) == ["/a", "/shop"]
    for without in ("/shop", "/blue"):
        _, contract = contract_for(apps, POLICY, without={without})
        assert {block.app_id for block in contract.blocks} == {"", "/a"}


def test_an_old_directive_in_an_owners_template_is_translated_or_told() -> None:
    own = {"HAPROXY_0_MODE": "http", "HAPROXY_0_BACKEND_HTTP_OPTIONS": "  rspdel ^Server:\n  reqallow x"}
    apps = snapshot(app("/a", own, (), 31_000))
    _, contract = contract_for(apps, POLICY)
    assert "  http-response del-header Server\n  reqallow x\n" in contract.text
    (problem,) = contract.problems
    assert (problem.app_id, problem.subject) == ("/a", "HAPROXY_0_BACKEND_HTTP_OPTIONS")
    _, old = contract_for(apps, POLICY, ContractFlags(legacy=True))
    assert "  rspdel ^Server:\n  reqallow x\n" in old.text
    assert not old.problems


def test_the_legacy_flag_writes_what_haproxy_knew_before_2_1() -> None:
    own = {
        "HAPROXY_0_VHOST": "a.example",
        "HAPROXY_0_USE_HSTS": "true",
        "HAPROXY_0_HTTP_BACKEND_PROXYPASS_PATH": "/x",
        "HAPROXY_0_HTTP_BACKEND_REVPROXY_PATH": "/y",
    }
    _, contract = contract_for(snapshot(app("/a", own, (), 31_000)), POLICY, ContractFlags(legacy=True))
    words = [line.split()[0] for line in contract.text.split("\n") if line.strip()]
    assert [words.count(old) for old in ("rspadd", "reqirep", "rspirep")] == [1, 1, 1]
