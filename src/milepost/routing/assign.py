"""Service ports for ports to which the scheduler gives none (marathon-lb-behaviour.md 9.4)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha1
from typing import TypeAlias

from milepost.model.routing import Holders
from milepost.model.snapshot import App, AppDefinition, AppPort
from milepost.routing.label import read
from milepost.routing.labels import PORT
from milepost.routing.policy import Conflicts, Policy

Wish: TypeAlias = tuple[str, int]
"""(app id, the port as the app knows it)."""

_TRIES = 50
_KEY = re.compile(r"assigned ([0-9]+) ([0-9]+)")  # of `Holders`: the port, and the one that the app knows


@dataclass(frozen=True, slots=True)
class Assigned:
    """The definitions with the ports that were given, and who holds these: parts of `Holders.by_key`."""

    definitions: Mapping[str, AppDefinition]
    holders: Mapping[str, str]


def with_assigned_ports(apps: Mapping[str, App], policy: Policy, holders: Holders) -> Assigned:
    """The definitions, with a service port for each port that has none, as far as the range goes.

    Known service ports are avoided (its Q46), and an app needs no task for it: that is marathon-lb's way only. Who
    holds a port keeps it, whoever comes or asks for it later.
    """
    definitions = {app_id: app.definition for app_id, app in apps.items()}
    open_ids = [app_id for app_id, app in apps.items() if any(p.service_port is None for p in app.definition.ports)]
    if not open_ids or policy.assign_ports is None:
        return Assigned(definitions, {})
    kept: Mapping[Wish, int] = {}
    avoid: Collection[int] = ()
    if policy.exact:
        numbers = {app_id: apps[app_id].tasks[0].ports if apps[app_id].tasks else () for app_id in open_ids}
    else:
        open_ids.sort()
        numbers = {app_id: tuple(p.number or p.task_port for p in definitions[app_id].ports) for app_id in open_ids}
        avoid = policy.reserved_ports.union(*map(_wanted_ports, definitions.values()))
        kept = _kept(definitions, policy, holders)
    wishes = [(app_id, number) for app_id in open_ids for number in numbers[app_id]]
    given = assign_ports(wishes, *policy.assign_ports, avoid, kept)
    for app_id in open_ids:
        definitions[app_id] = _filled(definitions[app_id], numbers[app_id], given)
    return Assigned(definitions, {f"assigned {port} {number}": app_id for (app_id, number), port in given.items()})


def assign_ports(
    wishes: Iterable[Wish], first: int, last: int, avoid: Collection[int], kept: Mapping[Wish, int]
) -> dict[Wish, int]:
    """A port from `first` to `last` for each wish, in order; wishes beyond the size of the range get none.

    A wish in `kept` gets that port again. The same wishes give the same ports, and mostly the same as any other
    balancer with this range gives.
    """
    asked = list(dict.fromkeys(wishes))
    given = {wish: kept[wish] for wish in asked if first <= kept.get(wish, 0) <= last}
    free = {port for port in range(first, last + 1) if port not in avoid} - set(given.values())
    for wish in asked:
        if free and wish not in given:
            given[wish] = _pick(wish, first, last - first + 1, free)
            free.remove(given[wish])
    return given


def _pick(wish: Wish, first: int, size: int, free: set[int]) -> int:
    app_id, port = wish
    for number in range(_TRIES):
        digest = sha1(f"{app_id}-{port}-{number}".encode(), usedforsecurity=False).hexdigest()
        candidate = first + int(digest[:8], 16) % size
        if candidate in free:
            return candidate
    return min(free)


def _kept(definitions: Mapping[str, AppDefinition], policy: Policy, holders: Holders) -> Mapping[Wish, int]:
    """What apps were given before, but no port that the balancer or the app itself wants for something else by now."""
    kept: dict[Wish, int] = {}
    if policy.conflicts is Conflicts.HOLDER:
        for key, app_id in holders.by_key.items():
            found = _KEY.fullmatch(key)
            if found and app_id in definitions:
                port, number = int(found[1]), int(found[2])
                if port not in policy.reserved_ports and port not in _wanted_ports(definitions[app_id]):
                    kept[app_id, number] = port
    return kept


def _wanted_ports(definition: AppDefinition) -> frozenset[int]:
    return frozenset(_wanted(definition))


def _wanted(definition: AppDefinition) -> Iterator[int]:
    """The ports on which the app's owner wants it to be reached."""
    for index, port in enumerate(definition.ports):
        label = read(PORT, definition.labels, index, exact=False)
        number = label if isinstance(label, int) else port.service_port
        if number:
            yield number


def _filled(definition: AppDefinition, numbers: tuple[int, ...], given: Mapping[Wish, int]) -> AppDefinition:
    pairs = zip(definition.ports, numbers, strict=False)
    ports = (_port(port, given.get((definition.id, number))) for port, number in pairs)
    return replace(definition, ports=tuple(ports))


def _port(port: AppPort, assigned: int | None) -> AppPort:
    return replace(port, service_port=assigned) if port.service_port is None else port
