"""The rules of the shared frontends for hosts that are patterns. They stand behind those for names."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from milepost.model.routing import Service
from milepost.routing.grammar_hosts import EVERY_HOST, is_pattern
from milepost.routing.host_expression import LONGEST_HOST

HOST = "req.hdr(host),field(1,:),lower"
"""The host that a request asks for, without the port that a client may add."""


class _Route(NamedTuple):
    """A pattern, with a path or "" for each, and where it leads."""

    pattern: str
    path: str
    backend: str
    any_case: bool

    @property
    def place(self) -> tuple[int, int, str, int]:
        """Its place in the order: wildcards, expressions, then what takes every host; the longer before the shorter."""
        kind = 2 if self.pattern == EVERY_HOST else 1 if self.pattern.startswith("~") else 0
        return kind, -len(self.pattern), self.pattern, -len(self.path)


def pattern_rules(services: Sequence[Service]) -> tuple[str, ...]:
    """In the order in which they are to stand."""
    routes = sorted((route for service in services for route in _routes(service)), key=lambda route: route.place)
    together = groupby(routes, lambda route: (route.pattern, route.backend))
    return tuple(_rule(list(some)) for _, some in together)


def _routes(service: Service) -> Iterator[_Route]:
    paths = [path for path in service.path if path.startswith("/")] or [""]
    for host in filter(is_pattern, service.hosts):
        for path in paths:
            yield _Route(host, path, service.name, any_case="-i" in service.path)


def _rule(routes: Sequence[_Route]) -> str:
    first = routes[0]
    flag = "-i " if first.any_case else ""
    path = f"{{ path_beg {flag}{' '.join(route.path for route in routes)} }}" if first.path else ""
    conditions = " ".join(filter(None, (_condition(first.pattern), path)))
    return f"use_backend {first.backend}{f' if {conditions}' if conditions else ''}"


def _condition(pattern: str) -> str:
    """That a request's host fits. A name that is too long for one is not even looked at: an expression's work grows
    with it."""
    if pattern == EVERY_HOST:
        return ""
    if pattern.startswith("~"):
        return f"{{ {HOST},length le {LONGEST_HOST} }} {{ {HOST} -m reg '^({pattern[1:]})$' }}"
    return f"{{ {HOST} -m end {pattern[1:]} }}"
