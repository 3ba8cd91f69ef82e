"""The part of routing that follows from definitions alone: services, their routes, and who holds what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from milepost.model.problem import Problem
from milepost.model.routing import Dropped, Holders, Service
from milepost.model.snapshot import App, AppDefinition
from milepost.routing.assign import with_assigned_ports
from milepost.routing.claims import within_grants
from milepost.routing.conflicts import decide_conflicts
from milepost.routing.endpoints import Route
from milepost.routing.outweighed import outweighed
from milepost.routing.policy import Policy
from milepost.routing.reading import AppReading, Wanted

Reader: TypeAlias = Callable[[AppDefinition], AppReading]


@dataclass(frozen=True, slots=True)
class RoutingStructure:
    """What holds until a definition changes. `routes` and `dropped` are by app id."""

    services: tuple[Service, ...] = ()
    routes: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)
    dropped: Mapping[str, tuple[Dropped, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    holders: Holders = field(default_factory=Holders)


def structure_of(apps: Mapping[str, App], policy: Policy, holders: Holders, read: Reader) -> RoutingStructure:
    """Read every app and decide between them. `read` may remember what it has read before."""
    assigned = with_assigned_ports(apps, policy, holders)
    readings = {app_id: read(definition) for app_id, definition in assigned.definitions.items()}
    if policy.exact:
        readings = _first_of_each_name(readings)
    wanted = [want for app_id in sorted(readings) for want in readings[app_id].wanted]
    problems = [problem for reading in readings.values() for problem in reading.problems]
    services = tuple(want.service for want in wanted)
    if not policy.exact:
        services, refused = within_grants(services, policy.grants)
        problems += refused
        decision = decide_conflicts(services, policy, holders, assigned.holders)
        services, holders = decision.services, decision.holders
        problems += (*decision.problems, *outweighed(decision.services))
    dropped = {app_id: reading.dropped for app_id, reading in readings.items() if reading.dropped}
    return RoutingStructure(services, _routes(services, wanted), dropped, tuple(problems), holders)


def _routes(services: Sequence[Service], wanted: Sequence[Wanted]) -> Mapping[str, tuple[Route, ...]]:
    routes: dict[str, tuple[Route, ...]] = {}
    for service, want in zip(services, wanted, strict=True):
        route = Route(service.name, service.index, want.positions, want.healthy_share, want.checked_port)
        routes[service.app_id] = (*routes.get(service.app_id, ()), route)
    return routes


def _first_of_each_name(readings: Mapping[str, AppReading]) -> dict[str, AppReading]:
    """As marathon-lb ended up: HAProxy refuses a name twice, so the later app in the answer is left out (17.5)."""
    owners: dict[str, str] = {}
    kept: dict[str, AppReading] = {}
    for app_id, reading in readings.items():
        names = [want.service.name for want in reading.wanted]
        rival = next((owners[name] for name in names if name in owners), app_id if _has_twice(names) else "")
        if rival:
            message = f"{rival} has a backend of the same name"
            problem = Problem(app_id, f"name {names[0]}", f"{message}; the app is left out")
            kept[app_id] = AppReading((), (Dropped(app_id, "", None, message),), (*reading.problems, problem))
        else:
            kept[app_id] = reading
            owners.update(dict.fromkeys(names, app_id))
    return kept


def _has_twice(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)
