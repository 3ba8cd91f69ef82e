"""Ports that another process holds, found before HAProxy would fail on them: its check tries none."""

import errno
import socket
from collections.abc import Collection
from dataclasses import dataclass

from milepost.proxies.haproxy.config import Section, Structure

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Blocked:
    """A section cannot listen at (host, port), and why in words."""

    section: Section
    host: str
    port: int
    why: str


def blocked_listens(structure: Structure, held: Collection[Address], *, only_in_use: bool) -> tuple[Blocked, ...]:
    """The addresses of `structure` that HAProxy could not bind; those it holds already are not tried.

    With `only_in_use` other reasons than "in use" do not count: they are ours and not those of a HAProxy that runs as
    another user. Binds each for an instant; 10,000 take about 0.1 s.
    """
    found = []
    for section in structure.sections:
        for host, port in section.listens:
            why = "" if (host, port) in held else why_not_bound(host, port, only_in_use=only_in_use)
            if why:
                found.append(Blocked(section, host, port, why))
    return tuple(found)


def why_not_bound(host: str, port: int, *, only_in_use: bool = False) -> str:
    """Try to bind as HAProxy would, but without sharing the port; "" where that works."""
    is_v6 = ":" in host
    try:
        with socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_v6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(("" if host == "*" else host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "it is taken by another process on this machine"
        return "" if only_in_use else f"it cannot be bound: {error.strerror}"
    return ""
