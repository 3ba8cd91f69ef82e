"""Hosts and paths whose every request goes to a service of greater weight, so that their owner hears of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milepost.model.problem import Problem
from milepost.model.routing import Service


@dataclass(frozen=True, slots=True)
class _Claim:
    """A service's part of a host: one path, "" for those that nobody else wants."""

    service: Service
    path: str

    def covers(self, other: "_Claim") -> bool:
        """Whether it gets each request that `other` wants too. Where case counts it takes only some of any case."""
        if self.service.weight <= other.service.weight or not other.path:
            return False
        is_any, is_other_any = ("-i" in claim.service.path for claim in (self, other))
        if is_any:
            return other.path.lower().startswith(self.path.lower())
        return other.path.startswith(self.path) and not (is_other_any and self.path.upper() != self.path.lower())


def outweighed(services: Sequence[Service]) -> Iterator[Problem]:
    """A problem for each path of a host that no request can come to. No two services hold the same path of a host."""
    by_host: dict[str, list[Service]] = {}
    for service in (one for one in services if not one.passes_tls):
        for host in service.hosts:
            by_host.setdefault(host, []).append(service)
    for host, rivals in by_host.items():
        if len({service.weight for service in rivals}) > 1:
            yield from _of_host(host, rivals)


def _of_host(host: str, rivals: Sequence[Service]) -> Iterator[Problem]:
    claims = [_Claim(service, path) for service in rivals for path in _paths(service)]
    for claim in claims:
        winner = next((other.service for other in claims if other.covers(claim)), None)
        if winner is not None:
            weights = f"has BACKEND_WEIGHT {winner.weight} there, this app {claim.service.weight}"
            message = f"{winner.app_id} {weights}; no request leads to this app"
            yield Problem(claim.service.app_id, f"host {host}{claim.path}", message)


def _paths(service: Service) -> Sequence[str]:
    return [word for word in service.path if word.startswith("/")] or [""]
