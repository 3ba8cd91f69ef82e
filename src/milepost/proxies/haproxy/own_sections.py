"""The sections of a service whose owner wrote pieces of them (template labels), in the run profile. Pure.

Our own lines stay: without them a reload or a dying task would cost requests. What was written is known to be harmless
(`raw/review.py`), or is let through by the operator.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from milepost.model.routing import Rewrites, Service
from milepost.proxies.haproxy.app_listener import bind_words
from milepost.proxies.haproxy.backend import STICKY_LINE
from milepost.proxies.haproxy.config import Profile, Section
from milepost.proxies.haproxy.denied import rejections
from milepost.proxies.haproxy.hitless import forward_lines, retry_lines
from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.raw.owned import own_lines
from milepost.proxies.haproxy.raw.shared_rules import own_rules
from milepost.proxies.haproxy.rules import rule_lines
from milepost.proxies.haproxy.service_rules import backend_rules, frontend_rules
from milepost.proxies.haproxy.shared_frontends import FRONTENDS, bind_lines
from milepost.proxies.haproxy.upstream import expecting, header_lines, staying_here

_HASHES = ("source", "uri", "url_param", "hdr", "rdp-cookie")
_OF_FRONTENDS = frozenset({"FRONTEND_HEAD", "FRONTEND_BACKEND_GLUE"})


def has_own_frontend(service: Service) -> bool:
    return not _OF_FRONTENDS.isdisjoint(service.templates)


def own_frontend(service: Service, profile: Profile, *, is_hitless: bool) -> Section:
    """A `bind` to every address becomes one to the address that the owner's label names, else to each of the balancer's
    own."""
    addresses = (service.bind_addr,) if service.bind_addr else profile.bind
    words = bind_words(service, profile.app_certificates)
    certificate = bind_words(replace(service, binding=replace(service.binding, options="")), profile.app_certificates)
    usual = bind_lines(addresses, service.port, words)
    head = own_lines(service, "FRONTEND_HEAD", usual, sslCert=certificate)
    written = (*head, *own_lines(service, "FRONTEND_BACKEND_GLUE", (f"use_backend {service.name}",)))
    binds = [bind for line in written if _keyword(line) == "bind" for bind in _on_addresses(line, addresses)]
    mode, *others = _with_mode([line for line in written if _keyword(line) != "bind"], service)
    listens = tuple(map(_address_of, binds))
    is_forwardable = not any("accept-proxy" in line.split() for line in binds)  # else `dst` is somebody else's address
    is_forwarded = is_hitless and is_forwardable and mode == "mode http"
    known, turned_away = expecting("services", profile), rejections(profile)
    if known or turned_away or is_forwarded:
        others = list(map(where_the_client_is_known, others))
    rules = (*turned_away, *frontend_rules(service))
    if not is_forwarded:
        under = FRONTENDS if mode == "mode http" else ""
        lines = (*binds, mode, *known, *rules, *others)
        return Section("frontend", service.name, lines, service.app_id, listens, under)
    expect, forward = forward_lines(listens, is_tls=any(" ssl " in f"{line} " for line in binds))
    at = next((at for at, line in enumerate(others) if _keyword(line) == "use_backend"), len(others))
    stays = staying_here("services", profile, listens)
    lines = (*binds, mode, *known, expect, *rules, *others[:at], *stays, forward, *others[at:])
    return Section("frontend", service.name, lines, service.app_id, listens, FRONTENDS)


def own_backend(service: Service, profile: Profile, *, is_hitless: bool) -> Section:
    """Its lines in marathon-lb's order (marathon-lb-behaviour.md 12), behind those that make a dying task harmless,
    and those that say who may not come at all."""
    head = own_lines(service, "BACKEND_HEAD", (f"balance {service.balance}",))
    mode, *others = _with_mode(head, service)
    as_balanced = replace(service, mode=mode.removeprefix("mode "))  # a rule of the other mode would not be heeded
    lines = [mode, *backend_rules(as_balanced), *others, *_hash_type(head)]
    if mode == "mode http":
        lines += retry_lines(service.retries) if is_hitless else ()
        lines += own_lines(service, "BACKEND_HTTP_OPTIONS", header_lines(profile))
        lines += () if profile.trusts_owners else _moved(service)
    lines += _rules(service)
    if service.sticky:
        lines += own_lines(service, "BACKEND_STICKY_OPTIONS", (STICKY_LINE,))
    lines += _check_lines(service)
    return Section("backend", service.name, tuple(lines), service.app_id)


def _rules(service: Service) -> Iterator[str]:
    """What the service's labels ask for, with its owner's lines in the place of the usual ones."""
    own, rewrites = service.templates, service.rewrites
    guard = f"{service.mode.upper()}_BACKEND_NETWORK_ALLOWED_ACL"
    if guard in own:
        for network in service.networks:
            yield from own_lines(service, guard, network_allowed=network)
    pieces = {
        "BACKEND_HSTS_OPTIONS": rewrites.hsts,
        "HTTP_BACKEND_PROXYPASS_GLUE": bool(rewrites.proxypass_path),
        "HTTP_BACKEND_REVPROXY_GLUE": bool(rewrites.revproxy_path),
    }
    usual = Rewrites(
        rewrites.hsts and "BACKEND_HSTS_OPTIONS" not in own,
        "" if "HTTP_BACKEND_PROXYPASS_GLUE" in own else rewrites.proxypass_path,
        "" if "HTTP_BACKEND_REVPROXY_GLUE" in own else rewrites.revproxy_path,
        rewrites.root_redirect,
    )
    yield from rule_lines(replace(service, rewrites=usual), has_network_acl=guard in own)
    for name, is_wanted in pieces.items():
        if is_wanted and service.mode == "http":
            yield from own_lines(service, name)
    if service.networks:  # last of all, since `allow` in it ends the rules for a request
        yield from own_lines(service, f"{service.mode.upper()}_BACKEND_ACL_ALLOW_DENY")


def _moved(service: Service) -> Iterator[str]:
    """What the owner wrote for the shared frontends and that would there concern everybody (`SharedRules.others`)."""
    rules = (own_rules(service, frontend) for frontend in (HTTP_IN, HTTPS_IN, BY_APP_ID))
    return iter(dict.fromkeys(line for found in rules if found is not None for line in found.others))


def _check_lines(service: Service) -> tuple[str, ...]:
    check = service.check
    if check is None or not check.kind:
        return ()
    if check.kind == "tcp":
        return own_lines(service, "BACKEND_TCP_HEALTHCHECK_OPTIONS")
    usual = (f"option httpchk GET {check.path}", f"timeout check {check.timeout_s}s")
    return own_lines(service, "BACKEND_HTTP_HEALTHCHECK_OPTIONS", usual)


def _with_mode(lines: Sequence[str], service: Service) -> tuple[str, ...]:
    """The mode stands there as `mode http` or `mode tcp`, since our own lines depend on it."""
    modes = [line.split()[1] for line in lines if _keyword(line) == "mode"]
    others = (line for line in lines if _keyword(line) != "mode")
    return (f"mode {modes[-1] if modes else service.mode}", *others)


def _hash_type(lines: Sequence[str]) -> tuple[str, ...]:
    """Only with consistent hashing does a running HAProxy take a new server (haproxy-mechanics.md 2)."""
    algorithms = [line.split()[1].partition("(")[0] for line in lines if _keyword(line) == "balance"]
    has_type = any(_keyword(line) == "hash-type" for line in lines)
    return ("hash-type consistent",) if algorithms and algorithms[-1] in _HASHES and not has_type else ()


def _on_addresses(line: str, addresses: Sequence[str]) -> tuple[str, ...]:
    _, where, *rest = line.split(" ", 2)
    host, _, port = where.rpartition(":")
    if host not in ("", "*") or not port.isdigit():
        return (line,)
    return bind_lines(addresses, int(port), "".join(f" {words}" for words in rest))


def _address_of(bind: str) -> tuple[str, int]:
    host, _, port = bind.split(" ", 2)[1].rpartition(":")
    return host.removeprefix("[").removesuffix("]") or "*", int(port)


def where_the_client_is_known(line: str) -> str:
    """A worker that stops, and a trusted upstream, name their client behind the connection: sources are known then."""
    words = line.split(" ", 2)
    return f"tcp-request session {words[2]}" if words[:2] == ["tcp-request", "connection"] else line


def _keyword(line: str) -> str:
    return line.split(" ", 1)[0]
