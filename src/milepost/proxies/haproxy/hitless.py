"""What makes reloads and dying tasks cost no request: lines added to the sections.

haproxy-mechanics.md 5 and 11 measured it. A worker that stops answers one more request on each idle client connection
(`idle-close-on-response`), but knows only the servers it had. So it hands these requests to its successor: it connects
to the very address the client used, from a reserved source address, and names the client by the PROXY protocol.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from milepost.model.routing import Retries
from milepost.proxies.haproxy.config import Section

FORWARD_SOURCE = "127.255.0.9"

_FORWARD = "milepost_to_new"
_FORWARD_TLS = "milepost_to_new_tls"
_OF_CONNECTIONS = ("bind ", "tcp-request connection ")
IDLE_CLOSE = "option idle-close-on-response"
_EXPECT_FORWARDED = f"tcp-request connection expect-proxy layer4 if {{ src {FORWARD_SOURCE} }}"
_ONLY_HARMLESS = "http-request disable-l7-retry unless { method GET HEAD OPTIONS }"


def with_forward(section: Section) -> Section:
    """The frontend, its requests handed on by a worker that stops: before any rule that chooses a backend.

    One of mode tcp hands on nothing itself, but the requests of others may come through it.
    """
    if "mode tcp" in section.lines:
        at = section.lines.index("mode tcp") + 1
        return replace(section, lines=(*section.lines[:at], _EXPECT_FORWARDED, *section.lines[at:]))
    heads = [number for number, line in enumerate(section.lines) if line.startswith("use_backend ")]
    at = heads[0] if heads else len(section.lines)
    start = sum(line.startswith(_OF_CONNECTIONS) for line in section.lines)  # HAProxy wants them in this order
    expects, leads = forward_lines(section.listens, is_tls=_is_tls(section))
    return replace(
        section, lines=(*section.lines[:start], expects, *section.lines[start:at], leads, *section.lines[at:])
    )


def forward_lines(listens: Sequence[tuple[str, int]], *, is_tls: bool = False) -> tuple[str, str]:
    """From an IPv4 source only IPv4 addresses can be reached. In defaults 2.6 would not heed the first of them.

    Without an address the PROXY protocol tells it, and it may be of either kind.
    """
    has_ipv6 = not listens or any(":" in host for host, _ in listens)
    condition = "{ stopping } { dst 0.0.0.0/0 }" if has_ipv6 else "{ stopping }"
    return _EXPECT_FORWARDED, f"use_backend {_FORWARD_TLS if is_tls else _FORWARD} if {condition}"


def forwards(frontends: Sequence[Section]) -> Iterator[Section]:
    """The backends that lead to the next worker, as far as any of the frontends needs them."""
    rules = {line for section in frontends for line in section.lines if " if { stopping }" in line}
    for name in (_FORWARD, _FORWARD_TLS):
        if any(line.startswith(f"use_backend {name} ") for line in rules):
            yield _forward_section(name)


def retry_lines(retries: Retries) -> tuple[str, ...]:
    """When a request is sent again (HAProxy's manual, `retry-on`, `disable-l7-retry`): see `Retries`."""
    retry = f"retry-on {' '.join(retries.on) or 'none'}"
    is_only_connecting = retries.on in ((), ("conn-failure",))
    return (retry,) if retries.any_method or is_only_connecting else (retry, _ONLY_HARMLESS)


def _is_tls(section: Section) -> bool:
    return any(line.startswith("bind ") and " ssl " in line for line in section.lines)


def _forward_section(name: str) -> Section:
    """`*` is the address that the client connected to. TLS is spoken again, so that `ssl_fc` stays true over there."""
    tls = " ssl verify none" if name == _FORWARD_TLS else ""
    server = f"server new * source {FORWARD_SOURCE} send-proxy-v2 pool-max-conn 0{tls}"
    return Section("backend", name, ("mode http", server))
