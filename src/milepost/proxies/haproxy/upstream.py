"""Other proxies in front of the balancer: whose word about clients is taken. Pure.

An upstream may tell the client's address by the PROXY protocol, at listeners that the settings name, and what it was
asked for in headers. Nobody outside the trusted networks is believed in either.
"""

from collections.abc import Sequence

from milepost.proxies.haproxy.backend import HTTP_LINES
from milepost.proxies.haproxy.config import Profile

_IPV4_LOOPBACK = "127.0.0.1"


def expecting(listener: str, profile: Profile) -> tuple[str, ...]:
    """The rule of a listener ("http", "https", "appid" or "services") by which upstreams name their clients."""
    if listener not in profile.accept_proxy or not profile.trusted_networks:
        return ()
    return (f"tcp-request connection expect-proxy layer4 if {_trusted(profile)}",)


def staying_here(listener: str, profile: Profile, listens: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """What lets a worker that stops find its successor where a client's destination is the upstream's, not ours.

    The last requests of that worker carry our own port in X-Forwarded-Port, where the upstream does not say it itself.
    An IPv6 address stands for one that its successor cannot be reached at; see `hitless.forward_lines`.
    """
    if not expecting(listener, profile):
        return ()
    hosts = [_IPV4_LOOPBACK if host in ("*", "0.0.0.0") else host for host, _ in listens]  # noqa: S104 - compared only
    host = next((host for host in hosts if ":" not in host), hosts[0])
    return (
        f"http-request set-dst str({host}) if {{ stopping }}",
        f"http-request set-dst-port int({listens[0][1]}) if {{ stopping }}",
    )


def header_lines(profile: Profile) -> tuple[str, ...]:
    """`HTTP_LINES`, without overwriting what a trusted upstream says; from all others its header is not taken."""
    if not profile.trusted_networks:
        return HTTP_LINES
    known = _trusted(profile)
    return (
        "option forwardfor",
        f"http-request set-header X-Forwarded-Port %[dst_port] unless {known} {{ req.hdr(x-forwarded-port) -m found }}",
        f"http-request del-header X-Forwarded-Proto unless {known}",
        "http-request add-header X-Forwarded-Proto https if { ssl_fc } !{ req.hdr(x-forwarded-proto) -m found }",
    )


def _trusted(profile: Profile) -> str:
    return f"{{ src {' '.join(profile.trusted_networks)} }}"
