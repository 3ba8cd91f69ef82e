"""What one service's backend does with requests and answers beside balancing them, in the run profile. Pure.

They stand in the backend and not in the shared frontends, so that a request meets the rules of its own service only,
however many there are. The frontend that it came by is known there too. A plain service has none.
"""

import re
from collections.abc import Iterator

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Section
from milepost.proxies.haproxy.names import HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.raw.owned import own_lines
from milepost.proxies.haproxy.shared_frontends import BY_HOST

_NAME = re.compile(r"[a-z0-9._-]+")
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
    rewrites, hosts = service.rewrites, _names(service)
    if rewrites.root_redirect and hosts:
        yield from (f"acl is_domain {BY_HOST} -m str {host}" for host in hosts)
        yield f"http-request redirect code 301 location {rewrites.root_redirect} if {{ path / }} is_domain"
    if rewrites.proxypass_path:
        if hosts == service.hosts and len(hosts) == 1 and not service.several_hosts:
            yield f"http-request set-header Host {hosts[0]}"
        yield f"http-request replace-path (?i)^{_literally(rewrites.proxypass_path)}/?(.*) /\\1"
    if rewrites.revproxy_path:
        yield from _prefixed_locations(service, rewrites.revproxy_path.rstrip("/"))
    if rewrites.hsts:
        yield f"http-response add-header Strict-Transport-Security max-age={_HALF_A_YEAR_S}"


def _prefixed_locations(service: Service, prefix: str) -> Iterator[str]:
    """First the service's own hosts are cut off, then what is a path gets its prefix. `//host/` is no path."""
    path = "(/(?:[^/].*)?)$"
    for host in _names(service):
        yield f"http-response replace-header Location (?i)^https?://{_literally(host)}(?::[0-9]+)?{path} \\1"
    if prefix:
        has_it = f"{{ res.fhdr(location) -m beg {prefix}/ {prefix}? }} || {{ res.fhdr(location) -m str {prefix} }}"
        yield f"http-response replace-header Location ^{path} {prefix}\\1 unless {has_it}"


def _names(service: Service) -> tuple[str, ...]:
    """The hosts that stand for themselves."""
    return tuple(host for host in service.hosts if _NAME.fullmatch(host))


def _literally(text: str) -> str:
    """`text` as a regular expression: of the signs that a path or a host may have only the dot means another."""
    return text.replace(".", "[.]")
