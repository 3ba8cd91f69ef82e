"""The sections of one service in the run profile: its frontend and its backend. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from milepost.model.routing import Retries, Service
from milepost.proxies.haproxy.app_listener import bind_words, is_forwardable, is_tls
from milepost.proxies.haproxy.backend import backend_lines, own_lines
from milepost.proxies.haproxy.config import Profile, Section
from milepost.proxies.haproxy.denied import rejections
from milepost.proxies.haproxy.hitless import forward_lines, retry_lines
from milepost.proxies.haproxy.own_sections import has_own_frontend, own_backend, own_frontend
from milepost.proxies.haproxy.rules import rule_lines, userlist
from milepost.proxies.haproxy.service_rules import backend_rules, frontend_rules
from milepost.proxies.haproxy.shared_frontends import FRONTENDS, bind_lines
from milepost.proxies.haproxy.upstream import expecting, header_lines, staying_here

BACKENDS = "milepost_backends"
"""The defaults with what http backends have in common."""

_HASHES = ("source", "uri", "url_param", "hdr", "rdp-cookie")
_USUAL = Retries()


@dataclass(frozen=True, slots=True)
class ServiceSections:
    """What stands in the configuration for `service`. The frontend is None where it does not listen by itself.

    `userlist`: whom it lets in, None where it asks nobody.
    """

    service: Service
    frontend: Section | None
    backend: Section
    userlist: Section | None


class ServiceSectionMaker:
    """Makes the sections of many services; for those that stay it gives the very same objects again."""

    def __init__(self, profile: Profile, *, is_hitless: bool) -> None:
        self._profile, self._is_hitless = profile, is_hitless
        self._made: dict[str, ServiceSections] = {}

    def made(self, services: Sequence[Service]) -> list[ServiceSections]:
        """Those of each service, in order; names are distinct. Others are forgotten."""
        known = self._made
        made = [self._of(service, known.get(service.name)) for service in services]
        self._made = {one.service.name: one for one in made}
        return made

    def _of(self, service: Service, known: ServiceSections | None) -> ServiceSections:
        if known is not None and (known.service is service or known.service == service):
            return known
        frontend = self._frontend(service) if service.listens else None
        return ServiceSections(service, frontend, self._backend(service), userlist(service))

    def _frontend(self, service: Service) -> Section:
        if has_own_frontend(service):
            return own_frontend(service, self._profile, is_hitless=self._is_hitless)
        addresses = (service.bind_addr,) if service.bind_addr else self._profile.bind
        binds = bind_lines(addresses, service.port, bind_words(service, self._profile.app_certificates))
        leads = f"use_backend {service.name}"
        listens = tuple((address, service.port) for address in addresses)
        binds += expecting("services", self._profile)
        turned_away = rejections(self._profile)
        if service.mode != "http":
            lines = (*binds, f"mode {service.mode}", *turned_away, leads)
            return Section("frontend", service.name, lines, service.app_id, listens)
        is_forwarded = self._is_hitless and is_forwardable(service)
        stays = staying_here("services", self._profile, listens) if is_forwarded else ()
        expects, *forward = forward_lines(listens, is_tls=is_tls(service)) if is_forwarded else ("",)
        rules = (*frontend_rules(service), *turned_away, *stays)
        lines = tuple(filter(None, (*binds, expects, *rules, *forward, leads)))
        return Section("frontend", service.name, lines, service.app_id, listens, FRONTENDS)

    def _backend(self, service: Service) -> Section:
        """Where the usual defaults do not fit the service, it has all lines of its own."""
        if service.templates:
            return own_backend(service, self._profile, is_hitless=self._is_hitless)
        if service.mode == "http" and service.retries == _USUAL:
            own = (*own_lines(service), *backend_rules(service), *rule_lines(service))
            lines = (f"balance {service.balance}", *_hash_type(service), *own)
            return Section("backend", service.name, lines, service.app_id, under=BACKENDS)
        balance, *others = backend_lines(service, header_lines(self._profile))
        retries = retry_lines(service.retries) if service.mode == "http" and self._is_hitless else ()
        rules = (*backend_rules(service), *rule_lines(service))
        lines = (balance, *_hash_type(service), *others, *rules, *retries)
        return Section("backend", service.name, lines, service.app_id)


def backend_defaults(profile: Profile, *, is_hitless: bool) -> tuple[str, ...]:
    """What the backends below them do not say themselves. As rules of each of thousands they cost HAProxy a third of
    its time to start, and a tenth of its memory.
    """
    return ("mode http", *header_lines(profile), *(retry_lines(_USUAL) if is_hitless else ()))


def _hash_type(service: Service) -> tuple[str, ...]:
    """Hashing is consistent here: only then does a running HAProxy take a new server (haproxy-mechanics.md 2)."""
    is_hash = service.balance.partition(" ")[0].partition("(")[0] in _HASHES
    return ("hash-type consistent",) if is_hash else ()
