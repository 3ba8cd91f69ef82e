"""TLS that tasks speak themselves, beside TLS that ends here, on one port. Pure.

Only where a service asks for it the port of TLS becomes a frontend of mode tcp, which reads the name that a client asks
for before anything is encrypted. It hands the connection to that service, or on to the frontend in which TLS ends. That
one keeps its name and rules, but listens on a socket of its own; the PROXY protocol tells it who the client is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Profile, Section

SNI_MAP = "sni.map"

_FRONTEND = "milepost_sni_in"
_TERMINATING = "milepost_tls"
_INSPECTION = ("tcp-request inspect-delay 5s", "tcp-request content accept if { req.ssl_hello_type 1 }")


def passes_tls(services: Sequence[Service]) -> bool:
    """Whether any of them speaks TLS itself on the shared port."""
    return any(service.passes_tls for service in services)


def behind_sni(terminating: Section, services: Sequence[Service], profile: Profile) -> Iterator[Section]:
    """The frontend in which TLS ends, and before it the one that reads names, where there has to be one."""
    if not passes_tls(services):
        yield terminating
        return
    binds = [line for line in terminating.lines if line.startswith("bind ")]
    outside = [line.partition(" ssl ")[0] for line in binds]
    about_clients = [line for line in terminating.lines if line.startswith("tcp-request ")]
    rules = [line for line in terminating.lines if line not in (*binds, *about_clients)]
    inside = f"bind unix@{_socket(profile)} mode 600 accept-proxy ssl {binds[0].partition(' ssl ')[2]}"
    found = f"req.ssl_sni,lower,map_str({profile.map_dir}/{SNI_MAP})"
    leads = (f"use_backend %[{found}] if {{ {found} -m found }}", f"default_backend {_TERMINATING}")
    lines = (*outside, "mode tcp", *about_clients, *_INSPECTION, *leads)
    yield Section("frontend", _FRONTEND, lines, listens=terminating.listens)
    yield replace(terminating, lines=(inside, *rules), listens=())


def way_to_termination(services: Sequence[Service], profile: Profile) -> Iterator[Section]:
    if passes_tls(services):
        server = f"server terminating unix@{_socket(profile)} send-proxy-v2"
        yield Section("backend", _TERMINATING, ("mode tcp", server))


def sni_entries(services: Sequence[Service]) -> tuple[tuple[str, str], ...]:
    """Host -> backend, of services that speak TLS themselves."""
    return tuple((host, service.name) for service in services if service.passes_tls for host in service.hosts)


def _socket(profile: Profile) -> Path:
    """Beside HAProxy's own socket, where it may make one, and no longer: a socket's path has 97 characters at most."""
    return Path(profile.admin_socket).with_name("haproxy-tls.sock")
