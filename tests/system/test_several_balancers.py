"""Three balancers of one cluster: under hash balancing a key leads to the same task at each of them."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.names import server_ids, server_name
from support.haproxy import each_haproxy, free_ports, reach, stage
from support.traffic import ask, fake_tasks

pytestmark = [pytest.mark.anyio, pytest.mark.system]

URIS, SOURCES = 1_000, 200


def endpoints(ports: Sequence[int]) -> tuple[Endpoint, ...]:
    """Tasks at these ports. The agents of the first two are named so that their servers would have one id."""
    made = {f"node{number}": Endpoint("t", f"node{number}", "127.0.0.1", ports[0]) for number in range(2_000)}
    by_id = {server_ids([server_name(one)])[0]: one for one in made.values()}
    rivals = (Endpoint("t", f"rival{number}", "127.0.0.1", ports[1]) for number in range(2_000))
    rival = next(one for one in rivals if server_ids([server_name(one)])[0] in by_id)
    others = (Endpoint("t", "node", "127.0.0.1", port) for port in ports[2:])
    return (by_id[server_ids([server_name(rival)])[0]], rival, *others)


async def tasks_by_uri(port: int) -> list[str]:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        reader = BufferedByteReceiveStream(stream)
        return [(await ask(stream, reader, "any.example", f"/{number}")).body for number in range(URIS)]


async def tasks_by_source(port: int) -> list[str]:
    found = []
    for number in range(SOURCES):
        async with await anyio.connect_tcp("127.0.0.1", port, local_host=f"127.1.0.{number + 1}") as stream:
            found.append((await ask(stream, BufferedByteReceiveStream(stream), "any.example")).body)
    return found


@each_haproxy
async def test_a_key_leads_to_the_same_task_whatever_came_and_went_at_each_balancer(
    binary: Binary, tmp_path: Path
) -> None:
    async with fake_tasks(6) as tasks:
        pool = endpoints([task.port for task in tasks])
        last = pool[:5]
        histories = [(last,), (last[1:2], last[1:3], last[1:], last), (pool[2:], pool[:1], pool[:2], pool, last)]
        seen = []
        for number, history in enumerate(histories):
            (folder := tmp_path / str(number)).mkdir()
            uri, source = free_ports(2)
            services = (Service("a", "/a", 0, uri, "http", "uri"), Service("b", "/b", 0, source, "http", "source"))
            async with stage(binary, folder) as staged:
                proxy = staged.proxy(designer=RunDesigner(profile(folder)))
                for moment in history:
                    await reach(proxy, RoutingTable(services, {"a": moment, "b": moment}))
                seen.append((await tasks_by_uri(uri), await tasks_by_source(source)))
        assert seen[0] == seen[1] == seen[2]
        assert [len(set(keys)) for keys in seen[0]] == [len(last)] * 2


def profile(folder: Path) -> Profile:
    """Service ports only."""
    return Profile(str(folder / "a.sock"), str(folder), 2_000, ("127.0.0.1",), http_port=0, appid_port=0, stats_port=0)
