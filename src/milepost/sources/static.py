"""Services that no scheduler knows, as an operator wrote them down: apps whose tasks never change place."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import anyio

from milepost.model.shared_map import SharedMap
from milepost.model.snapshot import App, AppDefinition, AppPort, Cause, Snapshot, Task
from milepost.sources.addresses import literal
from milepost.sources.names import addresses_in, names_in, with_addresses
from milepost.sources.resolver import Resolve, Resolver, resolve_ipv4

NAME = "static"
_NAMES_S = 1.0  # how long the first snapshot waits for names: those that take longer follow


@dataclass(frozen=True, slots=True)
class StaticService:
    """One of them: where it answers, as (host or IP address, port), and its service port, None for any free one."""

    id: str
    addresses: tuple[tuple[str, int], ...]
    port: int | None
    labels: Mapping[str, str]


class StaticSource:
    """Publishes them once, and again where a name leads to another address (`milepost.sources.base.Source`)."""

    def __init__(
        self,
        services: Iterable[StaticService],
        *,
        resolve: Resolve = resolve_ipv4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._apps = {app.id: app for app in map(_app, services)}
        self._names = names_in(self._apps.values())
        self._resolver, self._clock = Resolver(resolve, clock=clock), clock
        self._located: SharedMap[App] = SharedMap({})

    async def run(self, publish: Callable[[Snapshot], None]) -> None:
        """See `Source.run`."""
        publish(await self.read_once())
        while True:
            await anyio.sleep(max(0.0, self._resolver.next_due_s(self._names) - self._clock()))
            if await self._resolver.refresh(self._names):
                publish(self._snapshot("names resolved"))

    async def read_once(self) -> Snapshot:
        """The services, with the addresses of names that are found within a second."""
        with anyio.move_on_after(_NAMES_S):
            await self._resolver.refresh(self._names)
        return self._snapshot("settings read")

    def remember(self, before: Snapshot) -> None:
        """See `Source.remember`."""
        self._resolver.remember(addresses_in(before.apps.values()))

    def look_again(self, reason: str) -> None:
        """See `Source.look_again`. What stands in the settings was read with them."""

    def _snapshot(self, reason: str) -> Snapshot:
        addresses, before = self._resolver.addresses, self._located
        apps = {app_id: with_addresses(before.get(app_id, app), addresses) for app_id, app in self._apps.items()}
        self._located = SharedMap(apps, before)
        causes = (Cause(reason, "", self._clock()),)
        return Snapshot(self._located, NAME, time.time(), causes=causes, is_lasting=True)


def _app(service: StaticService) -> App:
    definition = AppDefinition(
        id=f"{NAME}:/{service.id.removeprefix('/')}", labels=service.labels, ports=(AppPort(service.port, 0),)
    )
    tasks = tuple(_task(host, port) for host, port in dict.fromkeys(service.addresses))
    return App(definition, tasks, instances=len(tasks))


def _task(host: str, port: int) -> Task:
    """Always in traffic: nobody but the balancer's own checks can tell how it is."""
    return Task(f"{host}:{port}", host, literal(host), (port,), is_fixed=True)
