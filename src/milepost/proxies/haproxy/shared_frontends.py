"""The frontends that all apps share in the run profile: by host, by host over TLS, by app id, and statistics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Profile, Section
from milepost.proxies.haproxy.denied import rejections
from milepost.proxies.haproxy.drain import STATISTICS, when_draining
from milepost.proxies.haproxy.pattern_rules import HOST, pattern_rules
from milepost.proxies.haproxy.sni import behind_sni
from milepost.proxies.haproxy.upstream import expecting, staying_here
from milepost.routing.grammar_hosts import is_pattern

FRONTENDS = "milepost_frontends"
"""The defaults with what frontends of mode http have in common."""

HOSTS_MAP = "hosts.map"
APPS_MAP = "apps.map"


@dataclass(frozen=True, slots=True)
class _PathRoute:
    """A path of a host, and where it leads."""

    host: str
    path: str
    backend: str
    any_case: bool


def shared_frontends(services: Sequence[Service], profile: Profile) -> Iterator[Section]:
    """All that are switched on, in marathon-lb's order and under its names."""
    if profile.stats_port:
        health = f"monitor fail if {when_draining(profile.map_dir)}"
        yield _listening("listen", STATISTICS, profile, profile.stats_port, (health, *_STATS))
    by_host = _host_rules(services, profile)
    if profile.http_port:
        yield _listening("frontend", "marathon_http_in", profile, profile.http_port, by_host, listener="http")
    if profile.appid_port:
        rule = f"use_backend %[req.hdr(x-marathon-app-id),lower,map_str({profile.map_dir}/{APPS_MAP})]"
        yield _listening("frontend", "marathon_http_appid_in", profile, profile.appid_port, (rule,), listener="appid")
    if has_tls(profile):
        tls = f" ssl crt-list {profile.certificate_list} alpn h2,http/1.1"
        terminating = _listening("frontend", "marathon_https_in", profile, profile.https_port, by_host, tls, "https")
        yield from behind_sni(terminating, services, profile)


def has_tls(profile: Profile) -> bool:
    """Without a certificate there is nothing to serve on the TLS port."""
    return bool(profile.https_port and profile.certificate_list)


def host_entries(services: Sequence[Service]) -> tuple[tuple[str, str], ...]:
    """Host -> backend, of services that take every path."""
    return tuple(
        (host, service.name)
        for service in services
        if not service.path and not service.passes_tls
        for host in service.hosts
        if not is_pattern(host)
    )


def app_entries(services: Sequence[Service]) -> tuple[tuple[str, str], ...]:
    """App id -> backend of its first http service."""
    return tuple((service.app_id.lower(), service.name) for service in services if service.serves_app_id)


def bind_lines(addresses: Sequence[str], port: int, options: str = "") -> tuple[str, ...]:
    return tuple(f"bind {f'[{host}]' if ':' in host else host}:{port}{options}" for host in addresses)


_STATS = (
    "stats enable",
    "http-request use-service prometheus-exporter if { path /metrics }",
    "monitor-uri /_haproxy_health_check",
)


def _host_rules(services: Sequence[Service], profile: Profile) -> tuple[str, ...]:
    """Rules with a path come first, since a host that is limited to one would else never be reached.

    Of the paths of one host the longer comes first, for the same reason: `/` of one app covers `/api` of another.
    """
    routes = [
        _PathRoute(host, path, service.name, any_case="-i" in service.path)
        for service in services
        for path in service.path
        if path.startswith("/")
        for host in service.hosts
        if not is_pattern(host)
    ]
    routes.sort(key=lambda route: (route.host, -len(route.path)))
    rules = [_path_rule(list(together)) for _, together in groupby(routes, lambda route: (route.host, route.backend))]
    found = f"{HOST},map_str({profile.map_dir}/{HOSTS_MAP})"
    patterns = pattern_rules(services)
    only_found = (
        f" if {{ {found} -m found }}" if patterns else ""
    )  # else the first rule without a backend ends the list
    return (*rules, f"use_backend %[{found}]{only_found}", *patterns)


def _path_rule(routes: Sequence[_PathRoute]) -> str:
    """The routes of one host to one backend, one after another: one rule."""
    first = routes[0]
    flag = "-i " if first.any_case else ""
    paths = " ".join(route.path for route in routes)
    return f"use_backend {first.backend} if {{ {HOST} -m str {first.host} }} {{ path_beg {flag}{paths} }}"


def _listening(
    keyword: str, name: str, profile: Profile, port: int, lines: Sequence[str], options: str = "", listener: str = ""
) -> Section:
    listens = tuple((host, port) for host in profile.bind)
    if listener:
        first = (*expecting(listener, profile), *rejections(profile))
        lines = (*first, *staying_here(listener, profile, listens), *lines)
    under, mode = (FRONTENDS, ()) if keyword == "frontend" else ("", ("mode http",))
    binds = bind_lines(profile.bind, port, options)
    return Section(keyword, name, (*binds, *mode, *lines), listens=listens, under=under)
