"""What makes reloads and dying tasks cost no request: lines added to the sections.

haproxy-mechanics.md 5 and 11 measured it. A worker that stops answers one more request on each idle client connection
(`idle-close-on-response`), but knows only the servers it had. So it hands these requests to its successor: it connects
to the very address the client used, from a reserved source address, and names the client by the PROXY protocol.
"""

from collections.abc import Sequence
from dataclasses import replace

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Section

FORWARD_SOURCE = "127.255.0.9"

_FORWARD = "milepost_to_new"
_FORWARD_TLS = "milepost_to_new_tls"
_IDLE_CLOSE = "option idle-close-on-response"
_EXPECT_FORWARDED = f"tcp-request connection expect-proxy layer4 if {{ src {FORWARD_SOURCE} }}"
_ONLY_HARMLESS = "http-request disable-l7-retry unless { method GET HEAD OPTIONS }"


def hitless(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The same sections, with what loses no request, and with the backends that lead to the next worker."""
    frontends = [section for section in sections if _is_http(section, "frontend")]
    forwards = sorted({_FORWARD_TLS if _is_tls(section) else _FORWARD for section in frontends})
    return (*map(_changed, sections), *map(_forward_section, forwards))


def retry_lines(service: Service) -> tuple[str, ...]:
    """When a request is sent again (HAProxy's manual, `retry-on`, `disable-l7-retry`): see `Retries`."""
    if service.mode != "http":
        return ()
    retry = f"retry-on {' '.join(service.retries.on) or 'none'}"
    is_only_connecting = service.retries.on in ((), ("conn-failure",))
    return (retry,) if service.retries.any_method or is_only_connecting else (retry, _ONLY_HARMLESS)


def _changed(section: Section) -> Section:
    if _is_http(section, "frontend"):
        return replace(section, lines=_forwarding(section))
    return section


def _forwarding(section: Section) -> tuple[str, ...]:
    """The rule precedes all that choose a backend. From an IPv4 source only IPv4 addresses can be reached."""
    has_ipv6 = any(":" in host for host, _ in section.listens)
    condition = "{ stopping } { dst 0.0.0.0/0 }" if has_ipv6 else "{ stopping }"
    rule = f"use_backend {_FORWARD_TLS if _is_tls(section) else _FORWARD} if {condition}"
    heads = [number for number, line in enumerate(section.lines) if line.startswith("use_backend ")]
    at = heads[0] if heads else len(section.lines)
    return (*section.lines[:at], _IDLE_CLOSE, _EXPECT_FORWARDED, rule, *section.lines[at:])


def _is_http(section: Section, keyword: str) -> bool:
    return section.keyword == keyword and "mode http" in section.lines


def _is_tls(section: Section) -> bool:
    return any(line.startswith("bind ") and " ssl " in line for line in section.lines)


def _forward_section(name: str) -> Section:
    """`*` is the address that the client connected to. TLS is spoken again, so that `ssl_fc` stays true over there."""
    tls = " ssl verify none" if name == _FORWARD_TLS else ""
    server = f"server new * source {FORWARD_SOURCE} send-proxy-v2 pool-max-conn 0{tls}"
    return Section("backend", name, ("mode http", server))
