"""Which apps may take which hosts and ports, as the operator wants it (setting `policy.claims`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from milepost.model.problem import Problem
from milepost.model.routing import Service
from milepost.routing.grammar_hosts import is_pattern

_SINGLE = frozenset("?[")


@dataclass(frozen=True, slots=True)
class Grant:
    """What one rule allows to the apps whose id fits the pattern `apps`.

    In patterns `*` stands for any text, slashes and dots included. `hosts` are patterns of hosts on the shared HTTP and
    HTTPS ports, `ports` first and last of ranges; `by_app_id`: the app-id port may lead there too.
    """

    apps: str
    hosts: tuple[str, ...] = ()
    ports: tuple[tuple[int, int], ...] = ()
    by_app_id: bool = True

    def has_host(self, host: str) -> bool:
        return any(_covers(pattern, host) for pattern in self.hosts)

    def has_port(self, port: int) -> bool:
        return any(first <= port <= last for first, last in self.ports)


def _covers(pattern: str, host: str) -> bool:
    """Whether all fits that `host`, itself a pattern perhaps, stands for.

    An asterisk in `host` is fit by one in `pattern` only, so that `?` and `[...]`, which might be, allow none. What an
    expression stands for is not looked into: it takes a rule for every host.
    """
    if not pattern.strip("*"):
        return bool(pattern)
    if host.startswith("~") or (is_pattern(host) and not _SINGLE.isdisjoint(pattern)):
        return False
    return fnmatchcase(host, pattern)


def within_grants(services: Sequence[Service], grants: Sequence[Grant]) -> tuple[tuple[Service, ...], list[Problem]]:
    """The services without what no rule allows, and a problem for each loss. Without any rule everything is allowed."""
    if not grants:
        return tuple(services), []
    problems: list[Problem] = []
    return tuple(_within(service, grants, problems) for service in services), problems


def may_serve_as(app_id: str, group: str, grants: Sequence[Grant]) -> bool:
    """Whether each rule for apps called `group` is one for `app_id` too.

    Else a label would be all that an app needs to have, under another name, what is not allowed to its own.
    """
    return all(fnmatchcase(app_id, grant.apps) for grant in grants if fnmatchcase(group, grant.apps))


def _within(service: Service, grants: Sequence[Grant], problems: list[Problem]) -> Service:
    own = [grant for grant in grants if fnmatchcase(service.app_id, grant.apps)]
    refused = [host for host in service.hosts if not any(grant.has_host(host) for grant in own)]
    listens = service.listens and any(grant.has_port(service.port) for grant in own)
    serves_app_id = service.serves_app_id and any(grant.by_app_id for grant in own)
    problems += _losses(service, refused, listens=listens, serves_app_id=serves_app_id)
    if not refused and listens == service.listens and serves_app_id == service.serves_app_id:
        return service
    hosts = tuple(host for host in service.hosts if host not in refused)
    return replace(service, hosts=hosts, listens=listens, serves_app_id=serves_app_id)


def _losses(service: Service, refused: Sequence[str], *, listens: bool, serves_app_id: bool) -> Iterator[Problem]:
    reason = "no rule of policy.claims allows it to this app"
    for host in refused:
        yield Problem(service.app_id, f"host {host}", f"{reason}; the host does not lead to this app")
    if listens != service.listens:
        yield Problem(service.app_id, f"port {service.port}", f"{reason}; nothing listens there for this app")
    if serves_app_id != service.serves_app_id:
        yield Problem(service.app_id, "app", f"reached by its id: {reason}; the app-id port does not lead to it")
