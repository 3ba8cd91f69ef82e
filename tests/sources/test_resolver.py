"""Agent names and how long their addresses are believed."""

import socket
import threading
from dataclasses import dataclass, field

import anyio
import pytest

from milepost.sources.names import names_in, with_addresses
from milepost.sources.resolver import Resolver, resolve_ipv4
from support.cluster import an_app, running
from support.waiting import until


@dataclass
class Names:
    """A name server and a clock, both under the test's hand."""

    addresses: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    now_s: float = 1000.0

    def resolve(self, name: str) -> str | None:
        self.asked.append(name)
        return self.addresses.get(name)

    def resolver(self) -> Resolver:
        return Resolver(self.resolve, keep_s=60.0, retry_s=5.0, clock=lambda: self.now_s)


@pytest.mark.anyio
async def test_a_good_answer_is_used_until_it_expires() -> None:
    names = Names({"a": "10.0.0.1"})
    resolver = names.resolver()
    assert await resolver.refresh(["a"])
    names.now_s += 59.0
    assert not await resolver.refresh(["a"])
    assert names.asked == ["a"]
    names.addresses["a"] = "10.0.0.2"
    names.now_s += 1.0
    assert await resolver.refresh(["a"])
    assert resolver.addresses == {"a": "10.0.0.2"}


@pytest.mark.anyio
async def test_the_last_good_answer_stays_while_lookups_fail() -> None:
    names = Names({"a": "10.0.0.1"})
    resolver = names.resolver()
    await resolver.refresh(["a"])
    names.addresses.clear()
    names.now_s += 60.0
    assert not await resolver.refresh(["a"])
    assert resolver.addresses == {"a": "10.0.0.1"}
    assert resolver.next_due_s(["a"]) == names.now_s + 5.0


@pytest.mark.anyio
async def test_who_stops_waiting_for_slow_names_knows_the_fast_ones() -> None:
    slow, looking = threading.Event(), threading.Event()

    def resolve(name: str) -> str | None:
        if name == "slow":
            looking.set()
            slow.wait(10.0)
        return "10.0.0.1"

    resolver = Resolver(resolve)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(resolver.refresh, ["slow", "fast"])
            await until(lambda: looking.is_set() and resolver.next_due_s(["fast"]) > 0.0)
            group.cancel_scope.cancel()
    finally:
        slow.set()
    assert resolver.addresses == {"fast": "10.0.0.1"}


@pytest.mark.anyio
async def test_only_what_is_due_is_looked_up_and_what_nobody_needs_is_forgotten() -> None:
    names = Names({"a": "10.0.0.1", "b": "10.0.0.2"})
    resolver = names.resolver()
    await resolver.refresh(["a"])
    assert resolver.next_due_s(["a", "b"]) == 0.0
    await resolver.refresh(["a", "b"])
    assert names.asked == ["a", "b"]
    assert await resolver.refresh(["b"])
    assert resolver.addresses == {"b": "10.0.0.2"}
    assert resolver.next_due_s([]) == float("inf")


def test_only_tasks_at_a_named_agent_need_a_name() -> None:
    app = an_app("/web", running("1", "agent1"), running("2", "10.0.0.2"), running("3", "x@y"))
    assert names_in([app]) == {"agent1"}
    located = with_addresses(app, {"agent1": "10.0.0.1", "10.0.0.2": "10.9.9.9", "x@y": "10.9.9.9"})
    assert [task.address for task in located.tasks] == ["10.0.0.1", "10.0.0.2", None]
    assert with_addresses(located, {"agent1": "10.0.0.1"}) is located


def test_the_systems_resolver_knows_localhost_and_no_invalid_name() -> None:
    assert resolve_ipv4("localhost") == "127.0.0.1"
    assert resolve_ipv4("no-such-agent.invalid") is None
    assert resolve_ipv4("a" * 64) is None
    assert resolve_ipv4("0.0.0.0") is None
    assert resolve_ipv4("127.0.0.1") == socket.inet_ntoa(b"\x7f\x00\x00\x01")
