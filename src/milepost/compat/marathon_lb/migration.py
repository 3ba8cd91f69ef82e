"""What becomes different for whoever puts milepost in marathon-lb's place, app by app, and why. Pure.

Both sides are decided from the same snapshot: the old one by marathon-lb's rules (the exact profile), the new one by
`milepost run`'s. So a difference is never one of timing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from milepost.compat.marathon_lb.features import OF_HOSTS, Feature, features_of
from milepost.model.routing import RoutingTable, Service
from milepost.routing.grammar_hosts import is_pattern

_KEPT = "milepost keeps a service without a server: its clients get a 503, not a refused connection or another app"
_LEFT_OUT = "marathon-lb left the app out: HAProxy refused it, or a label could not be read"
_CHECKED = "a check by a command is made by Marathon alone: marathon-lb made a request of it"
_CLOSING = ("PATH", "AUTH", "REDIRECT_TO_HTTPS")
"""Labels without which no host leads to a port: where one of them cannot be read (docs/labels.md)."""

_NEVER_MATCHED = "a pattern in VHOST, or PATH without VHOST, had no effect; here it leads to the app"
_SHADOWED = "of several rules for it only the first of the old configuration was ever used"


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One feature of one app's port, before and after; "" where it is not there. `label` names where it comes from."""

    app_id: str
    label: str
    feature: str
    old: str
    new: str
    reason: str


def differences(old: RoutingTable, new: RoutingTable) -> tuple[Difference, ...]:
    """Sorted by app; nothing where both serve the same."""
    before, after = _by_port(_with_servers(old)), _by_port(new.services)
    owners = _host_owners(old)
    found: list[Difference] = []
    for key in sorted(before.keys() | after.keys()):
        service, successor = before.get(key), after.get(key)
        if service and successor:
            one, other = _with_effect(_effective(old, service, owners), features_of(new, successor))
        else:
            one, other = _whole(service), _whole(successor)
        for feature in sorted(one.keys() | other.keys()):
            if one.get(feature, "") != other.get(feature, ""):
                was, comes = one.get(feature, ""), other.get(feature, "")
                reason = next(_reasons(new, key, feature, successor, is_new=not was))
                found.append(_difference(key, feature, was, comes, reason))
    return tuple(found)


def _whole(service: Service | None) -> dict[Feature, str]:
    """Where one side has all of a service and the other nothing, there is no more to tell than that."""
    return {Feature("service", f"of port {service.port}", "PORT"): "served"} if service else {}


def in_need_of_trust(new: RoutingTable, trusted: RoutingTable) -> tuple[str, ...]:
    """The apps that are served otherwise, or only, where owners may write anything: `trusted` is such a table."""
    one, other = _by_port(new.services), _by_port(trusted.services)
    return tuple(sorted({app_id for (app_id, index), service in other.items() if one.get((app_id, index)) != service}))


def _by_port(services: tuple[Service, ...]) -> dict[tuple[str, int], Service]:
    return {(service.app_id, service.index): service for service in services}


def _with_servers(table: RoutingTable) -> tuple[Service, ...]:
    """marathon-lb wrote no others (its Q21)."""
    return tuple(service for service in table.services if table.endpoints[service.name])


def _host_owners(old: RoutingTable) -> Mapping[str, Service]:
    """Whose rule for a host comes first: the greater weight, then the order of services (13)."""
    owners: dict[str, Service] = {}
    for service in sorted(_with_servers(old), key=lambda service: -service.weight):
        for feature in features_of(old, service):
            if feature.kind == "host":
                owners.setdefault(feature.name, service)
    return owners


def _effective(old: RoutingTable, service: Service, owners: Mapping[str, Service]) -> dict[Feature, str]:
    """Its features, without hosts that an earlier rule of another service took, or that no request ever has."""
    found = features_of(old, service)
    taken = [
        feature
        for feature in found
        if feature.kind == "host" and (owners[feature.name] is not service or is_pattern(feature.name))
    ]
    return {feature: value for feature, value in found.items() if feature not in taken}


def _with_effect(*sides: Mapping[Feature, str]) -> tuple[dict[Feature, str], ...]:
    """Without what is about hosts where one of the sides has none: that is told by the hosts."""
    if all(any(feature.kind == "host" for feature in side) for side in sides):
        return tuple(map(dict, sides))
    return tuple({feature: value for feature, value in side.items() if feature.label not in OF_HOSTS} for side in sides)


def _difference(key: tuple[str, int], feature: Feature, old: str, new: str, reason: str) -> Difference:
    app_id, index = key
    label = f"HAPROXY_{index}_{feature.label}" if feature.label else ""
    return Difference(app_id, label, str(feature), old, new, reason)


def _reasons(
    new: RoutingTable, key: tuple[str, int], feature: Feature, service: Service | None, *, is_new: bool
) -> Iterator[str]:
    """Why, the best reason first: what milepost itself says about this feature, this port, or the whole app."""
    yield from _told(new, key, feature)
    if feature.kind == "service" and service is not None:
        yield _KEPT if not new.endpoints[service.name] else _LEFT_OUT
    if feature.kind == "host" and is_new:
        yield _NEVER_MATCHED if is_pattern(feature.name) else _SHADOWED
    if feature.name == "check":
        yield _CHECKED
    yield "`milepost run` decides this otherwise than marathon-lb did; `milepost explain` tells more"


def _told(new: RoutingTable, key: tuple[str, int], feature: Feature) -> Iterator[str]:
    app_id, index = key
    problems = [problem for problem in new.problems if problem.app_id == app_id]
    subjects = {f"HAPROXY_{index}_{feature.label}", f"{feature.kind} {feature.name}"}
    if feature.kind in ("listener", "service"):
        subjects.add(f"port {feature.name.rpartition(':')[2].removeprefix('of port ')}")
    if feature.name == "check":
        subjects.add("health check")
    yield from (problem.message for problem in problems if problem.subject in subjects)
    if feature.kind == "host":
        closing = {f"HAPROXY_{index}_{name}" for name in _CLOSING}
        yield from (f"{one.subject}: {one.message}; no host leads here" for one in problems if one.subject in closing)
    dropped = new.dropped.get(app_id, ())
    yield from (one.reason for one in dropped if not one.task_id and one.index in (None, index))
    if feature.kind == "server":
        yield from (f"task {one.task_id} {one.reason}" for one in dropped if one.task_id and one.index in (None, index))
    yield from (problem.message for problem in problems if problem.subject in ("app", "health"))
