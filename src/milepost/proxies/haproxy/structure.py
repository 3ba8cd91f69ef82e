"""The structure of the run profile: all sections for the services of a table, whatever their tasks."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Profile, Section, Structure
from milepost.proxies.haproxy.drain import sends_clients_away
from milepost.proxies.haproxy.hitless import IDLE_CLOSE, forwards, with_forward
from milepost.proxies.haproxy.limits import max_connections
from milepost.proxies.haproxy.log_sections import log_lines, log_ring, logging
from milepost.proxies.haproxy.render import digest_of_text, render_sections
from milepost.proxies.haproxy.server_tls import trusted_certificates
from milepost.proxies.haproxy.service_sections import BACKENDS, ServiceSectionMaker, backend_defaults
from milepost.proxies.haproxy.shared_frontends import FRONTENDS, has_tls, shared_frontends
from milepost.proxies.haproxy.sni import way_to_termination
from milepost.proxies.haproxy.stats_port import endpoint_backend

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


class StructureMaker:
    """Makes structure after structure; the sections of a service that stays are the very same objects."""

    def __init__(self, profile: Profile, *, is_hitless: bool = True) -> None:
        self._profile, self._is_hitless = profile, is_hitless
        self._services = ServiceSectionMaker(profile, is_hitless=is_hitless)

    def structure(self, services: Sequence[Service], silent: Collection[str]) -> Structure:
        """`silent`: names of services that get a backend, but no listener of their own."""
        made = self._services.made(services)
        shared = list(map(self._forwarding, shared_frontends(services, self._profile)))
        own = [one.frontend for one in made if one.frontend is not None and one.service.name not in silent]
        listening = [*shared, *own]
        checked = sum(service.check is not None for service in services)
        head = _global(self._profile, sum(len(section.listens) for section in listening), checked)
        others = (*self._way_to_termination(services), *trusted_certificates(self._profile.server_ca))
        ways_on = forwards(listening) if self._is_hitless else ()
        lists = (one.userlist for one in made if one.userlist is not None)
        backends = (*(one.backend for one in made), *ways_on, *others, *endpoint_backend(self._profile))
        return with_digest((head, *log_ring(self._profile), *lists, *self._defaults(), *listening, *backends))

    def _way_to_termination(self, services: Sequence[Service]) -> Iterator[Section]:
        return way_to_termination(services, self._profile) if has_tls(self._profile) else iter(())

    def _forwarding(self, section: Section) -> Section:
        return with_forward(section) if self._is_hitless and section.keyword == "frontend" else section

    def _defaults(self) -> Iterator[Section]:
        """HAProxy takes rules in defaults only where these have a name. The nameless are for all others below."""
        pages = tuple(f"errorfile {status} {path}" for status, path in self._profile.error_pages)
        own = (*pages, *self._profile.defaults_lines)
        http, tcp = ((*logging(self._profile, mode), *_DEFAULTS, *own) for mode in ("http", "tcp"))
        hitless = (IDLE_CLOSE,) if self._is_hitless else ()
        rule = sends_clients_away(self._profile.map_dir)
        yield Section("defaults", FRONTENDS, (*http, "mode http", *hitless, rule))
        yield Section("defaults", BACKENDS, (*http, *backend_defaults(self._profile, is_hitless=self._is_hitless)))
        yield Section("defaults", "", tcp)


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
    lines += log_lines(profile)
    lines += [f"{word} {name}" for word, name in (("user", profile.user), ("group", profile.group)) if name]
    if has_tls(profile):
        lines.append("ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets")
    return Section("global", "", (*lines, *profile.global_lines))
