"""What is kept out of the configuration so that all the rest can go live, why, and until when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from milepost.model.problem import Problem
from milepost.model.routing import RoutingTable, Service
from milepost.proxies.haproxy.ports import Blocked


@dataclass(frozen=True, slots=True)
class _Refused:
    """An app whose text HAProxy refused, until its definition changes."""

    services: tuple[Service, ...]
    problem: Problem


@dataclass(slots=True)
class Withheld:
    """Apps that HAProxy's check refused, by id, and services whose port is not free, by name."""

    _apps: dict[str, _Refused] = field(default_factory=dict)
    _ports: dict[str, Blocked] = field(default_factory=dict)
    _services: tuple[Service, ...] | None = None  # as last seen

    def refuse(self, table: RoutingTable, words: Mapping[str, str]) -> None:
        """HAProxy refused the parts of these apps, in its own words."""
        for app_id, message in words.items():
            problem = Problem(app_id, "app", f"HAProxy refuses the app's configuration, the rest serves: {message}")
            self._apps[app_id] = _Refused(_of_app(table, app_id), problem)

    def block(self, blocked: Iterable[Blocked]) -> None:
        for one in blocked:
            self._ports[one.section.name] = one

    def release(self, names: Iterable[str]) -> None:
        """These services' ports may be tried again."""
        for name in names:
            self._ports.pop(name, None)

    def review(self, table: RoutingTable) -> None:
        """Let go of what another definition has made out of date."""
        if table.services is self._services or not (self._apps or self._ports):
            return
        self._services = table.services
        for app_id, refused in list(self._apps.items()):
            if _of_app(table, app_id) != refused.services:
                del self._apps[app_id]
        there = {(service.name, service.port) for service in table.services}
        self.release([name for name, one in self._ports.items() if (name, one.port) not in there])

    @property
    def blocked(self) -> tuple[Blocked, ...]:
        return tuple(self._ports.values())

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why, by the id of a refused app or the name of a service that cannot listen: what a designer goes by."""
        return {
            **{app_id: refused.problem.message for app_id, refused in self._apps.items()},
            **{name: one.why for name, one in self._ports.items()},
        }

    @property
    def problems(self) -> tuple[Problem, ...]:
        ports = (
            Problem(
                one.section.app_id,
                f"port {one.port}",
                f"port {one.port} does not listen: {one.why}; it is tried again, the rest serves",
            )
            for one in self._ports.values()
        )
        return tuple(sorted({*ports, *(refused.problem for refused in self._apps.values())}))


def _of_app(table: RoutingTable, app_id: str) -> tuple[Service, ...]:
    return tuple(service for service in table.services if service.app_id == app_id)
