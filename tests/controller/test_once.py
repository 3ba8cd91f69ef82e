"""A table made to run without staying."""

import pytest

from milepost.controller.once import bring
from milepost.errors import ProxyError
from milepost.model.routing import Endpoint, RoutingTable, Service
from support.fake_proxy import FakeProxy

pytestmark = pytest.mark.anyio


def table(*ports: int) -> RoutingTable:
    web = Service(name="web_10000", app_id="/web", index=0, port=10000, mode="http")
    at = tuple(Endpoint(f"web.{port}", "10.0.0.1", "10.0.0.1", port) for port in ports)
    return RoutingTable(services=(web,), endpoints={web.name: at})


async def test_what_should_run_runs_and_stands_in_the_file() -> None:
    proxy, wanted = FakeProxy(), table(31000)
    await bring(proxy, wanted)
    assert proxy.running == proxy.saved == wanted.endpoints
    assert proxy.calls == ["observe", "restructure", "save"]


async def test_other_servers_take_no_other_structure() -> None:
    proxy, wanted = FakeProxy(running=table(31000).endpoints), table(31000, 31001)
    await bring(proxy, wanted)
    assert proxy.running == wanted.endpoints
    assert proxy.calls == ["observe", "apply", "save"]


async def test_a_refusal_leaves_the_file_as_it_is() -> None:
    proxy = FakeProxy(failures={"restructure": [ProxyError("refused")]})
    with pytest.raises(ProxyError, match="refused"):
        await bring(proxy, table(31000))
    assert proxy.saved is None
