"""A small proxy in memory: structure is the set of service names, servers are their endpoints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from milepost.errors import MilepostError
from milepost.model.problem import Problem
from milepost.model.routing import Endpoint, RoutingTable
from milepost.proxies.base import Outcome, Plan

Pools = Mapping[str, tuple[Endpoint, ...]]


@dataclass(frozen=True)
class FakeChange:
    """Gives the pool of one service its endpoints."""

    service: str
    app_id: str
    endpoints: tuple[Endpoint, ...]
    reason: str = "the endpoints differ"

    def describe(self) -> str:
        return f"{self.service} has {len(self.endpoints)} endpoints"


@dataclass
class FakeProxy:
    """What runs is `running`; `failures` are raised one by one, each by the next call of the method it is for."""

    name: str = "fake"
    running: Pools = field(default_factory=dict)
    saved: Pools | None = None
    wanted: Pools = field(default_factory=dict)
    failures: dict[str, list[MilepostError]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    leftovers: int = 0
    refused: tuple[Problem, ...] = ()

    def desired(self, table: RoutingTable) -> Pools:
        pools = {service.name: table.endpoints[service.name] for service in table.services}
        if pools != self.wanted:
            self.wanted = pools
        return self.wanted

    def plan(self, desired: Pools, actual: Pools) -> Plan:
        live = [
            FakeChange(name, "/" + name.rpartition("_")[0], endpoints)
            for name, endpoints in desired.items()
            if name in actual and actual[name] != endpoints
        ]
        structure = tuple(f"{name} differs" for name in sorted(desired.keys() ^ actual.keys()))
        return Plan(live, structure)

    async def observe(self) -> Pools:
        self._called("observe")
        return self.running

    async def apply(self, plan: Plan, actual: Pools) -> Outcome[Pools]:
        self._called("apply")
        changes = {change.service: change.endpoints for change in plan.live if isinstance(change, FakeChange)}
        self.running = {**self.running, **changes}
        return Outcome(self.running, applied=len(changes), leftovers=self.leftovers)

    async def restructure(self, wanted: Callable[[], Pools]) -> Outcome[Pools]:
        self._called("restructure")
        self.running = dict(wanted())
        return Outcome(self.running, applied=1, reloaded=True)

    async def save(self, desired: Pools) -> None:
        self._called("save")
        self.saved = desired

    async def run(self, wake: Callable[[str], None]) -> None:
        self._called("run")

    def count(self, method: str) -> int:
        return self.calls.count(method)

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self.failures.get(method):
            raise self.failures[method].pop(0)
