"""Hosts and app ids in map files instead of rules (marathon-lb-behaviour.md 14)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from milepost.model.routing import Service
from milepost.proxies.haproxy.contract.flags import ContractFlags
from milepost.proxies.haproxy.contract.http_rules import asks_who_it_is

LAST = -1
"""The weight of a service that brings a rule for all that is in the map."""


@dataclass(frozen=True, slots=True)
class HostMap:
    """Which services are found by the host map, and which of them brings the rule that looks into it: its name."""

    http: frozenset[str] = frozenset()
    https: frozenset[str] = frozenset()
    http_bringer: str = ""
    https_bringer: str = ""

    def weight(self, service: Service) -> int:
        return LAST if service.name in (self.http_bringer, self.https_bringer) else service.weight


def host_map(services: Iterable[Service], flags: ContractFlags) -> HostMap:
    if not flags.use_maps or flags.dont_bind:
        return HostMap()
    https = [service for service in services if not service.path and not asks_who_it_is(service)]
    http = [service for service in https if not service.redirects_to_https]
    return HostMap(
        frozenset(service.name for service in http),
        frozenset(service.name for service in https),
        http[0].name if http else "",
        https[0].name if https else "",
    )


def first_http(services: Iterable[Service]) -> list[Service]:
    """The service that an app's id leads to: its first http one that has servers."""
    first: dict[str, Service] = {}
    for service in services:
        if service.mode == "http":
            first.setdefault(service.app_id, service)
    return list(first.values())


def map_entries(
    services: Sequence[Service], found: HostMap, flags: ContractFlags
) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """By path. Each pair once; a key that leads to several backends stays several times, HAProxy takes the first."""
    if not flags.use_maps:
        return {}
    hosts = [(host, service.name) for service in services if service.name in found.https for host in service.hosts]
    apps = [(service.app_id, service.name) for service in first_http(services)]
    return {flags.hosts_map: tuple(dict.fromkeys(hosts)), flags.apps_map: tuple(apps)}
