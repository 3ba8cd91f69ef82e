"""Services that an operator wrote down: apps like any other, found by name where they have one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count

import anyio
import pytest

from milepost.model.snapshot import App, Snapshot
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from milepost.sources.static import StaticService, StaticSource
from support.apps import app, task
from support.waiting import until

LABELS = {"HAPROXY_GROUP": "external"}
DB = StaticService("/db", (("10.0.0.1", 5432), ("db.example", 5432)), 5432, LABELS)
POLICY = Policy(("external",))


@dataclass
class Names:
    addresses: dict[str, str] = field(default_factory=dict)
    now_s: float = 0.0

    def source(self, *services: StaticService) -> StaticSource:
        return StaticSource(services, resolve=self.addresses.get, clock=lambda: self.now_s)


@asynccontextmanager
async def running(source: StaticSource) -> AsyncIterator[list[Snapshot]]:
    published: list[Snapshot] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(source.run, published.append)
        await until(lambda: bool(published))
        yield published
        tasks.cancel_scope.cancel()


def addresses(app: App) -> list[str | None]:
    return [task.address for task in app.tasks]


@pytest.mark.anyio
async def test_a_static_service_is_routed_like_an_app() -> None:
    names = Names({"db.example": "10.0.0.2"})
    seen = await names.source(DB).read_once()
    table = build_routing(seen, POLICY)
    (service,) = table.services
    assert (service.app_id, service.name, service.port) == ("static:/db", "static:db_5432", 5432)
    found = [(endpoint.address, endpoint.port) for endpoint in table.endpoints[service.name]]
    assert (found, table.problems) == ([("10.0.0.1", 5432), ("10.0.0.2", 5432)], ())


@pytest.mark.anyio
async def test_without_a_port_it_is_given_one_as_an_app_is() -> None:
    (service,) = build_routing(await Names().source(replace(DB, port=None)).read_once(), POLICY).services
    assert POLICY.assign_ports is not None
    assert POLICY.assign_ports[0] <= service.port <= POLICY.assign_ports[1]


@pytest.mark.anyio
async def test_several_services_and_a_marathon_s_task_may_be_at_one_address() -> None:
    same = StaticService("/same", (("10.0.0.1", 31000),), 7000, LABELS)
    seen = await Names().source(same, replace(same, id="/again", port=7001)).read_once()
    web = app("/web", task(0))
    table = build_routing(replace(seen, apps={**seen.apps, "/web": web}), POLICY)
    assert [len(pool) for pool in table.endpoints.values()] == [1, 1, 1]


@pytest.mark.anyio
async def test_the_last_address_of_a_name_serves_while_it_has_none() -> None:
    names = Names({"db.example": "10.0.0.2"})
    source = names.source(DB)
    before = await source.read_once()
    names.addresses.clear()
    names.now_s = 61.0
    after = await source.read_once()
    assert addresses(after.apps["static:/db"]) == ["10.0.0.1", "10.0.0.2"]
    assert after.apps == before.apps


@pytest.mark.anyio
async def test_a_name_is_looked_up_again_and_what_it_leads_to_then_is_published() -> None:
    names, a_minute_later = Names({"db.example": "10.0.0.2"}), count(step=61)
    source = StaticSource([DB], resolve=names.addresses.get, clock=lambda: float(next(a_minute_later)))
    async with running(source) as published:
        names.addresses["db.example"] = "10.0.0.3"
        await until(lambda: len(published) == 2)
        assert addresses(published[1].apps["static:/db"]) == ["10.0.0.1", "10.0.0.3"]


@pytest.mark.anyio
async def test_another_address_of_a_name_is_published_and_no_other_service_is_a_new_object() -> None:
    names = Names({"a": "10.0.0.1"})
    source = names.source(replace(DB, id="a", addresses=(("a", 1),)), replace(DB, id="b", addresses=(("10.0.0.9", 1),)))
    before = await source.read_once()
    names.addresses["a"], names.now_s = "10.0.0.2", 61.0
    after = await source.read_once()
    assert addresses(after.apps["static:/a"]) == ["10.0.0.2"]
    assert after.apps["static:/b"] is before.apps["static:/b"]


@pytest.mark.anyio
async def test_a_start_without_name_server_uses_the_addresses_of_before() -> None:
    before = await Names({"db.example": "10.0.0.2"}).source(DB).read_once()
    source = Names().source(DB)
    source.remember(before)
    assert addresses((await source.read_once()).apps["static:/db"]) == ["10.0.0.1", "10.0.0.2"]
