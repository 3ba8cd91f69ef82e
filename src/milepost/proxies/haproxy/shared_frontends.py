"""The frontends that all apps share in the run profile: by host, by host over TLS, by app id, and statistics."""

from collections.abc import Iterator, Sequence

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Profile, Section
from milepost.proxies.haproxy.denied import rejections
from milepost.proxies.haproxy.drain import STATISTICS, when_draining
from milepost.proxies.haproxy.host_condition import BY_HOST
from milepost.proxies.haproxy.host_routes import HostRoute, routes_of, routing_rules
from milepost.proxies.haproxy.log_sections import logging
from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.raw.conditions import ALWAYS, Alternatives, text_of
from milepost.proxies.haproxy.raw.shared_rules import (
    has_own_app_rules,
    has_own_rules,
    own_rules,
    trusted_lines,
)
from milepost.proxies.haproxy.sni import behind_sni
from milepost.proxies.haproxy.stats_port import endpoint_rules
from milepost.proxies.haproxy.upstream import expecting, staying_here
from milepost.routing.grammar_hosts import is_pattern

FRONTENDS = "milepost_frontends"
"""The defaults with what frontends of mode http have in common."""

HOSTS_MAP = "hosts.map"
APPS_MAP = "apps.map"

_APP_ID = "req.hdr(x-marathon-app-id),lower"


def shared_frontends(services: Sequence[Service], profile: Profile) -> Iterator[Section]:
    """All that are switched on, in marathon-lb's order and under its names."""
    if profile.stats_port:
        health = f"monitor fail if {when_draining(profile.map_dir)}"
        lines = (*logging(profile, "http"), health, *_STATS, *endpoint_rules(profile))
        yield _listening("listen", STATISTICS, profile, profile.stats_port, lines)
    if profile.http_port:
        by_host = _host_rules(services, profile, HTTP_IN)
        yield _listening("frontend", HTTP_IN, profile, profile.http_port, by_host, listener="http")
    if profile.appid_port:
        by_id = _app_rules(services, profile)
        yield _listening("frontend", BY_APP_ID, profile, profile.appid_port, by_id, listener="appid")
    if has_tls(profile):
        tls = f" ssl crt-list {profile.certificate_list} alpn h2,http/1.1"
        by_host = _host_rules(services, profile, HTTPS_IN)
        terminating = _listening("frontend", HTTPS_IN, profile, profile.https_port, by_host, tls, "https")
        yield from behind_sni(terminating, services, profile)


def has_tls(profile: Profile) -> bool:
    """Without a certificate there is nothing to serve on the TLS port."""
    return bool(profile.https_port and profile.certificate_list)


def host_entries(services: Sequence[Service]) -> tuple[tuple[str, str], ...]:
    """Host -> backend, of services that take every path, and have no rules of their own. Patterns have rules."""
    plain = (service for service in services if _takes_every_path(service))
    return tuple((host, service.name) for service in plain for host in service.hosts if not is_pattern(host))


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
    """Names that are limited to a path or to a condition come first, since they would else never be reached, patterns
    last. Those lighter than who takes every path of the host never have their turn.
    """
    hosted = [service for service in services if service.hosts and not service.passes_tls]
    every_path = {host: one.weight for one in hosted if _takes_every_path(one) for host in one.hosts}
    first: list[str] = []
    routes: list[HostRoute] = []
    for service in hosted:
        lines, conditions = _own(service, frontend, profile)
        first += lines
        found = (one for one in routes_of(service, conditions) if every_path.get(one.host, one.weight) <= one.weight)
        routes += (one for one in found if is_pattern(one.host) or not _takes_every_path(service))
    names = routing_rules(one for one in routes if not is_pattern(one.host))
    patterns = routing_rules(one for one in routes if is_pattern(one.host))
    found_in_map = f"{BY_HOST},map_str({profile.map_dir}/{HOSTS_MAP})"
    # The first rule whose backend is not there ends the list.
    only_found = f" if {{ {found_in_map} -m found }}" if patterns else ""
    return (*first, *names, f"use_backend %[{found_in_map}]{only_found}", *patterns)


def _takes_every_path(service: Service) -> bool:
    """Whether all requests for its hosts are its own, so that names are led by the map."""
    return not service.path and not service.passes_tls and not has_own_rules(service)


def _own(service: Service, frontend: str, profile: Profile) -> tuple[Sequence[str], Sequence[Alternatives]]:
    """The lines that the owner's rules put before all others, and the conditions under which its hosts lead to it."""
    if profile.trusts_owners and (lines := trusted_lines(service, frontend)):
        return lines, ()
    rules = own_rules(service, frontend)
    return ((), (ALWAYS,)) if rules is None else (rules.acls, rules.routes)


def _app_rules(services: Sequence[Service], profile: Profile) -> tuple[str, ...]:
    lines: list[str] = []
    for service in services:
        if has_own_app_rules(service):
            first, conditions = _own(service, BY_APP_ID, profile)
            guard = f"{{ {_APP_ID} -m str {service.app_id.lower()} }}"
            lines += (*first, *(f"use_backend {service.name}{text_of(found, guard)}" for found in conditions))
    return (*lines, f"use_backend %[{_APP_ID},map_str({profile.map_dir}/{APPS_MAP})]")


def _listening(
    keyword: str, name: str, profile: Profile, port: int, lines: Sequence[str], options: str = "", listener: str = ""
) -> Section:
    listens = tuple((host, port) for host in profile.bind)
    if listener:
        first = (*expecting(listener, profile), *rejections(profile))
        own = profile.heads.get(name, ())
        lines = (*first, *own, *staying_here(listener, profile, listens), *lines)
    under, mode = (FRONTENDS, ()) if keyword == "frontend" else ("", ("mode http",))
    binds = bind_lines(profile.bind, port, options)
    return Section(keyword, name, (*binds, *mode, *lines), listens=listens, under=under)
