"""The frontends that all apps share in the run profile: by host, by host over TLS, by app id, and statistics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Profile, Section
from milepost.proxies.haproxy.drain import STATISTICS, when_draining
from milepost.proxies.haproxy.log_sections import logging
from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.raw.conditions import ALWAYS, Alternatives, text_of
from milepost.proxies.haproxy.raw.shared_rules import (
    has_own_app_rules,
    has_own_rules,
    own_rules,
    trusted_lines,
)
from milepost.proxies.haproxy.stats_port import endpoint_rules

FRONTENDS = "milepost_frontends"
"""The defaults with what frontends of mode http have in common."""

HOSTS_MAP = "hosts.map"
APPS_MAP = "apps.map"

BY_HOST = "req.hdr(host),field(1,:),lower"
"""The host of a request, without the port that a client may add."""

_APP_ID = "req.hdr(x-marathon-app-id),lower"


@dataclass(frozen=True, slots=True)
class _PathRoute:
    """A path of a host, "" for each, and where it leads as long as the owner's own `condition` holds."""

    host: str
    path: str
    backend: str
    any_case: bool
    weight: int
    condition: Alternatives = ALWAYS


def shared_frontends(services: Sequence[Service], profile: Profile) -> Iterator[Section]:
    """All that are switched on, in marathon-lb's order and under its names."""
    if profile.stats_port:
        health = f"monitor fail if {when_draining(profile.map_dir)}"
        lines = (*logging(profile, "http"), health, *_STATS, *endpoint_rules(profile))
        yield _listening("listen", STATISTICS, profile, profile.stats_port, lines)
    if profile.http_port:
        yield _listening("frontend", HTTP_IN, profile, profile.http_port, _host_rules(services, profile, HTTP_IN))
    if profile.appid_port:
        yield _listening("frontend", BY_APP_ID, profile, profile.appid_port, _app_rules(services, profile))
    if has_tls(profile):
        tls = f" ssl crt-list {profile.certificate_list} alpn h2,http/1.1"
        by_host = _host_rules(services, profile, HTTPS_IN)
        yield _listening("frontend", HTTPS_IN, profile, profile.https_port, by_host, tls)


def has_tls(profile: Profile) -> bool:
    """Without a certificate there is nothing to serve on the TLS port."""
    return bool(profile.https_port and profile.certificate_list)


def host_entries(services: Sequence[Service]) -> tuple[tuple[str, str], ...]:
    """Host -> backend, of services that take every path, and have no rules of their own."""
    plain = (service for service in services if not service.path and not has_own_rules(service))
    return tuple((host, service.name) for service in plain for host in service.hosts)


def app_entries(services: Sequence[Service]) -> tuple[tuple[str, str], ...]:
    """App id -> backend of its first http service."""
    plain = (service for service in services if service.serves_app_id and not has_own_app_rules(service))
    return tuple((service.app_id.lower(), service.name) for service in plain)


def bind_lines(addresses: Sequence[str], port: int, options: str = "") -> tuple[str, ...]:
    return tuple(f"bind {f'[{host}]' if ':' in host else host}:{port}{options}" for host in addresses)


_STATS = (
    "stats enable",
    "http-request use-service prometheus-exporter if { path /metrics }",
    "monitor-uri /_haproxy_health_check",
)


def _host_rules(services: Sequence[Service], profile: Profile, frontend: str) -> tuple[str, ...]:
    """Rules with a path come first, since a host that is limited to one would else never be reached.

    Of the paths of one host the heavier comes first, then the longer, for the same reason: `/` of one app covers
    `/api` of another. Those lighter than who takes every path of the host never have their turn.
    """
    by_rules = [service for service in services if service.hosts and (service.path or has_own_rules(service))]
    every_path = {
        host: service.weight
        for service in services
        if not service.path and not has_own_rules(service)
        for host in service.hosts
    }
    first: list[str] = []
    routes: list[_PathRoute] = []
    for service in by_rules:
        lines, conditions = _own(service, frontend, profile)
        first += lines
        routes += (one for one in _routes(service, conditions) if every_path.get(one.host, one.weight) <= one.weight)
    routes.sort(key=lambda route: (route.host, -route.weight, -len(route.path)))
    together = groupby(routes, lambda route: (route.host, route.backend, route.condition))
    rules = [_path_rule(list(some)) for _, some in together]
    return (*first, *rules, f"use_backend %[{BY_HOST},map_str({profile.map_dir}/{HOSTS_MAP})]")


def _own(service: Service, frontend: str, profile: Profile) -> tuple[Sequence[str], Sequence[Alternatives]]:
    """The lines that the owner's rules put before all others, and the conditions under which its hosts lead to it."""
    if profile.trusts_owners and (lines := trusted_lines(service, frontend)):
        return lines, ()
    rules = own_rules(service, frontend)
    return ((), (ALWAYS,)) if rules is None else (rules.acls, rules.routes)


def _routes(service: Service, conditions: Sequence[Alternatives]) -> Iterator[_PathRoute]:
    paths = [word for word in service.path if word.startswith("/")] or [""]
    for condition in conditions:
        for path in paths:
            for host in service.hosts:
                yield _PathRoute(host, path, service.name, "-i" in service.path, service.weight, condition)


def _app_rules(services: Sequence[Service], profile: Profile) -> tuple[str, ...]:
    lines: list[str] = []
    for service in services:
        if has_own_app_rules(service):
            first, conditions = _own(service, BY_APP_ID, profile)
            guard = f"{{ {_APP_ID} -m str {service.app_id.lower()} }}"
            lines += (*first, *(f"use_backend {service.name}{text_of(found, guard)}" for found in conditions))
    return (*lines, f"use_backend %[{_APP_ID},map_str({profile.map_dir}/{APPS_MAP})]")


def _path_rule(routes: Sequence[_PathRoute]) -> str:
    """The routes of one host to one backend, one after another: one rule."""
    first = routes[0]
    flag = "-i " if first.any_case else ""
    paths = " ".join(route.path for route in routes if route.path)
    guards = (f"{{ {BY_HOST} -m str {first.host} }}", *((f"{{ path_beg {flag}{paths} }}",) if paths else ()))
    return f"use_backend {first.backend}{text_of(first.condition, *guards)}"


def _listening(
    keyword: str, name: str, profile: Profile, port: int, lines: Sequence[str], options: str = ""
) -> Section:
    listens = tuple((host, port) for host in profile.bind)
    under, mode = (FRONTENDS, ()) if keyword == "frontend" else ("", ("mode http",))
    binds = bind_lines(profile.bind, port, options)
    lines = (*profile.heads.get(name, ()), *lines)
    return Section(keyword, name, (*binds, *mode, *lines), listens=listens, under=under)
