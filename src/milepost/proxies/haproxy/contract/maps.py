"""Hosts and app ids in map files instead of rules (marathon-lb-behaviour.md 14)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from milepost.model.routing import Service
from milepost.proxies.haproxy.contract.flags import ContractFlags
from milepost.proxies.haproxy.contract.http_rules import asks_who_it_is


@dataclass(frozen=True, slots=True)
class HostMap:
    """Which services the host map leads to, in order. The first of them brings the rule that looks into it.

    That rule comes last; marathon-lb put it, and all others of its service, where a weight of -1 goes (its Q30).
    """

    http: tuple[Service, ...] = ()
    https: tuple[Service, ...] = ()


def host_map(services: Iterable[Service], flags: ContractFlags) -> HostMap:
    if not flags.use_maps or flags.dont_bind:
        return HostMap()
    https = tuple(service for service in services if not service.path and not asks_who_it_is(service))
    return HostMap(tuple(service for service in https if not service.redirects_to_https), https)


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
    hosts = [(host, service.name) for service in found.https for host in service.hosts]
    apps = [(service.app_id, service.name) for service in first_http(services)]
    return {flags.hosts_map: tuple(dict.fromkeys(hosts)), flags.apps_map: tuple(apps)}
