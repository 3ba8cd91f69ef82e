"""The structure of the run profile: all sections for the services of a table, whatever their tasks."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from milepost.model.routing import Service
from milepost.proxies.haproxy.backend import backend_lines
from milepost.proxies.haproxy.config import Profile, Section, Structure
from milepost.proxies.haproxy.drain import sends_clients_away
from milepost.proxies.haproxy.hitless import hitless, retry_lines
from milepost.proxies.haproxy.limits import max_connections
from milepost.proxies.haproxy.render import digest_of_text, render_sections
from milepost.proxies.haproxy.shared_frontends import bind_lines, has_tls, shared_frontends

_HASHES = ("source", "uri", "url_param", "hdr", "rdp-cookie")

_DEFAULTS = (
    "retries 3",
    "option redispatch 1",
    "option dontlognull",
    "backlog 10000",
    "timeout connect 3s",
    "timeout client 30s",
    "timeout server 30s",
    "timeout tunnel 3600s",
    "timeout http-keep-alive 10s",
    "timeout http-request 15s",
    "timeout queue 30s",
    "timeout tarpit 60s",
)


def run_structure(
    services: Sequence[Service], profile: Profile, silent: Collection[str], *, is_hitless: bool = True
) -> Structure:
    """`silent`: names of services that get a backend, but no listener of their own."""
    frontends = [_frontend(s, profile) for s in services if s.listens and s.name not in silent]
    listening = [*shared_frontends(services, profile), *frontends]
    backends = [_backend(s, is_hitless=is_hitless) for s in services]
    checked = sum(service.check is not None for service in services)
    head = _global(profile, sum(len(s.listens) for s in listening), checked)
    sections = (head, *_under_defaults(listening, backends, profile))
    return with_digest(hitless(sections) if is_hitless else sections)


def with_digest(sections: Sequence[Section]) -> Structure:
    """The sections, the first of which says by its `description` what runs; the digest is of the rest."""
    digest = digest_of_text(render_sections(sections))
    head = replace(sections[0], lines=(f"description milepost {digest}", *sections[0].lines))
    return Structure((head, *sections[1:]), digest)


def _global(profile: Profile, listeners: int, checked_services: int) -> Section:
    lines = [
        f"maxconn {max_connections(profile.max_files, listeners, checked_services)}",
        "no strict-limits",  # a balancer that is short of descriptors is better than one that does not start
        f"hard-stop-after {profile.hard_stop_after_s * 1000:.0f}",  # ms; a websocket would keep a worker for ever
        "spread-checks 5",
        "max-spread-checks 15000",
        # Listeners count as used descriptors: with thousands, the default ratios end all reuse of connections.
        "tune.pool-high-fd-ratio 90",
        "tune.pool-low-fd-ratio 80",
        f"stats socket {profile.admin_socket} mode 600 level admin expose-fd listeners",
        "stats timeout 1h",
    ]
    if profile.log:
        lines.append(f"log {profile.log}")
    if has_tls(profile):
        lines.append("ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets")
    return Section("global", "", tuple(lines))


def _under_defaults(listening: Sequence[Section], backends: Sequence[Section], profile: Profile) -> Iterator[Section]:
    """Frontends have a rule in common. HAProxy takes rules in defaults that have a name and no `listen` below them."""
    lines = (*(("log global",) if profile.log else ()), *_DEFAULTS)
    yield Section("defaults", "", lines)
    yield from (section for section in listening if section.keyword == "listen")
    yield Section("defaults", "milepost_frontends", (*lines, sends_clients_away(profile.map_dir)))
    yield from (section for section in listening if section.keyword != "listen")
    yield Section("defaults", "milepost_backends", lines)
    yield from backends


def _frontend(service: Service, profile: Profile) -> Section:
    addresses = (service.bind_addr,) if service.bind_addr else profile.bind
    lines = (*bind_lines(addresses, service.port), f"mode {service.mode}", f"use_backend {service.name}")
    listens = tuple((address, service.port) for address in addresses)
    return Section("frontend", service.name, lines, service.app_id, listens)


def _backend(service: Service, *, is_hitless: bool) -> Section:
    retries = retry_lines(service) if is_hitless else ()
    return Section("backend", service.name, (*_backend_lines(service), *retries), service.app_id)


def _backend_lines(service: Service) -> tuple[str, ...]:
    """Hashing is consistent here: only then does a running HAProxy take a new server (haproxy-mechanics.md 2)."""
    lines = backend_lines(service)
    is_hash = service.balance.partition(" ")[0].partition("(")[0] in _HASHES
    return (lines[0], "hash-type consistent", *lines[1:]) if is_hash else lines
