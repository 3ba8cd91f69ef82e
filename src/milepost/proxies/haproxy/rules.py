"""What one service's backend does with requests and answers beside balancing them, in the run profile. Pure.

They stand in the backend and not in the shared frontends, so that a request meets the rules of its own service only,
however many there are. The frontend that it came by is known there too. A plain service has none.
"""

from collections.abc import Iterator

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Section
from milepost.proxies.haproxy.host_condition import BY_HOST, as_expression, host_condition, literally, matching
from milepost.proxies.haproxy.names import HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.raw.owned import own_lines
from milepost.proxies.haproxy.service_rules import stripping
from milepost.routing.grammar_hosts import EVERY_HOST, is_pattern

_HALF_A_YEAR_S = 15_768_000  # marathon-lb's


def rule_lines(service: Service, *, has_network_acl: bool = False) -> tuple[str, ...]:
    """In the order in which they have their say: who may not come at all, who is to come another way, who has to say
    who it is, and only then what becomes of the request. `has_network_acl`: its owner wrote that line."""
    if service.mode != "http":
        return tuple(_networks(service, "tcp-request content reject", has_acl=has_network_acl))
    return (
        *_networks(service, "http-request deny", has_acl=has_network_acl),
        *_redirects(service),
        *_auth(service),
        *_rewrites(service),
    )


def userlist(service: Service) -> Section | None:
    """Whom its backend lets in, None where it asks nobody."""
    auth = service.auth
    if auth is None or service.mode != "http":
        return None
    lines = own_lines(service, "USERLIST_HEAD", (f"user {auth.user} password {auth.password}",))
    return Section("userlist", _list_name(service), lines, service.app_id)


def _list_name(service: Service) -> str:
    return f"user_{service.name}"


def _networks(service: Service, refuse: str, *, has_acl: bool) -> Iterator[str]:
    """Behind a hand-over from an old worker, or a proxy that is trusted, `src` is the client still."""
    if service.networks:
        if not has_acl:
            yield f"acl network_allowed src {' '.join(service.networks)}"
        if f"{service.mode.upper()}_BACKEND_ACL_ALLOW_DENY" not in service.templates:
            yield f"{refuse} unless network_allowed"


def _redirects(service: Service) -> Iterator[str]:
    """Without the port of Host: it is that of the HTTP port."""
    if service.redirects_to_https:
        where = "prefix https://%[req.hdr(host),field(1,:)]"
        yield f"http-request redirect {where} code 301 if {{ fe_name {HTTP_IN} }} !{{ ssl_fc }}"


def _auth(service: Service) -> Iterator[str]:
    """By whatever rule the shared ports lead here, also where no host does."""
    auth = service.auth
    if auth is not None:
        where = "" if auth.is_everywhere else f"{{ fe_name {HTTP_IN} {HTTPS_IN} }} "
        yield f'http-request auth realm "{auth.realm}" if {where}!{{ http_auth({_list_name(service)}) }}'


def _rewrites(service: Service) -> Iterator[str]:
    rewrites = service.rewrites
    yield from _root_redirects(service)
    yield from stripping(service)
    if rewrites.proxypass_path:
        if len(service.hosts) == 1 and not service.several_hosts and not is_pattern(service.hosts[0]):
            yield f"http-request set-header Host {service.hosts[0]}"
        yield f"http-request replace-path (?i)^{literally(rewrites.proxypass_path)}/?(.*) /\\1"
    if rewrites.revproxy_path:
        yield from _prefixed_locations(service, rewrites.revproxy_path.rstrip("/"))
    if rewrites.hsts:
        yield f"http-response add-header Strict-Transport-Security max-age={_HALF_A_YEAR_S}"


def _root_redirects(service: Service) -> Iterator[str]:
    """A name is an acl, a pattern may need more than one term."""
    redirect = f"http-request redirect code 301 location {service.rewrites.root_redirect} if {{ path / }}"
    names = [host for host in service.hosts if not is_pattern(host)]
    if not service.rewrites.root_redirect:
        return
    if EVERY_HOST in service.hosts:
        yield redirect
        return
    if names:
        yield from (f"acl is_domain {BY_HOST} {matching(host)}" for host in names)
        yield f"{redirect} is_domain"
    yield from (f"{redirect} {host_condition(host)}" for host in service.hosts if is_pattern(host))


def _prefixed_locations(service: Service, prefix: str) -> Iterator[str]:
    """First the service's own hosts are cut off, then what is a path gets its prefix. `//host/` is no path."""
    path = "(/(?:[^/].*)?)$"
    for host in service.hosts:
        yield f"http-response replace-header Location (?i)^https?://{as_expression(host)}(?::[0-9]+)?{path} \\1"
    if prefix:
        has_it = f"{{ res.fhdr(location) -m beg {prefix}/ {prefix}? }} || {{ res.fhdr(location) -m str {prefix} }}"
        yield f"http-response replace-header Location ^{path} {prefix}\\1 unless {has_it}"
