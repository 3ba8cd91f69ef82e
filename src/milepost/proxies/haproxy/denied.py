"""Clients that are turned away by their address. Pure."""

from collections.abc import Iterator, Sequence

from milepost.model.routing import Service
from milepost.proxies.haproxy.config import Profile

_MOST_IN_A_LINE = 50  # HAProxy reads at most 64 words of one


def rejections(profile: Profile) -> tuple[str, ...]:
    """The rules of a frontend, for whom the operator turns away: the connection is closed.

    Of sessions, not of connections: the address that a trusted upstream names is known only then.
    """
    return tuple(f"tcp-request session reject if {condition}" for condition in _conditions(profile.deny))


def denials(service: Service) -> tuple[str, ...]:
    """The rules of a backend, for whom its owner turns away: an answer of status 403, or an end."""
    deny = "http-request deny" if service.mode == "http" else "tcp-request content reject"
    return tuple(f"{deny} if {condition}" for condition in _conditions(service.denied))


def _conditions(networks: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(networks), _MOST_IN_A_LINE):
        yield f"{{ src {' '.join(networks[start : start + _MOST_IN_A_LINE])} }}"
