"""The rules of the shared frontends for hosts and paths, in the order in which they have to stand. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from milepost.model.routing import Service
from milepost.proxies.haproxy.host_condition import host_condition
from milepost.proxies.haproxy.raw.conditions import ALWAYS, Alternatives, text_of
from milepost.routing.grammar_hosts import EVERY_HOST, is_pattern


@dataclass(frozen=True, slots=True)
class HostRoute:
    """A path of a host, "" for each, and where it leads as long as the owner's own `condition` holds."""

    host: str
    path: str
    backend: str
    any_case: bool = False
    weight: int = 0
    condition: Alternatives = ALWAYS

    @property
    def place(self) -> tuple[int, int, str, int, int]:
        """Its place in the order: names, wildcards, expressions, then what takes every host, of patterns the longer
        first. Of one host the heavier comes first, then the longer path: `/` of one app covers `/api` of another."""
        kind = 3 if self.host == EVERY_HOST else 2 if self.host.startswith("~") else 1 if is_pattern(self.host) else 0
        return kind, -len(self.host) if kind else 0, self.host, -self.weight, -len(self.path)


def routes_of(service: Service, conditions: Sequence[Alternatives] = (ALWAYS,)) -> Iterator[HostRoute]:
    """All that lead to the service."""
    paths = [word for word in service.path if word.startswith("/")] or [""]
    for condition in conditions:
        for path in paths:
            for host in service.hosts:
                yield HostRoute(host, path, service.name, "-i" in service.path, service.weight, condition)


def routing_rules(routes: Iterable[HostRoute]) -> tuple[str, ...]:
    """Those of one host that lead to one backend, one after another, are one rule."""
    ordered = sorted(routes, key=lambda route: route.place)
    together = groupby(ordered, lambda route: (route.host, route.backend, route.condition))
    return tuple(_rule(list(some)) for _, some in together)


def _rule(routes: Sequence[HostRoute]) -> str:
    first = routes[0]
    flag = "-i " if first.any_case else ""
    paths = " ".join(route.path for route in routes if route.path)
    guards = (host_condition(first.host), f"{{ path_beg {flag}{paths} }}" if paths else "")
    return f"use_backend {first.backend}{text_of(first.condition, *filter(None, guards))}"
