"""From the routing table to what HAProxy should be, in the run profile. Pure; remembers what stays."""

from collections.abc import Mapping
from types import MappingProxyType

from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.backend import check_words
from milepost.proxies.haproxy.config import Desired, Profile, Server, Structure
from milepost.proxies.haproxy.names import cookie_value, distinct_names, server_ids, server_name
from milepost.proxies.haproxy.shared_frontends import APPS_MAP, HOSTS_MAP, app_entries, host_entries
from milepost.proxies.haproxy.structure import run_structure

_POOL = ("pool-max-conn -1", "pool-purge-delay 5s")  # else 2.6 never reuses a connection to an added server
_NONE: Mapping[str, str] = MappingProxyType({})


class RunDesigner:
    """Decides what HAProxy should be, table after table.

    The result equals that of a new designer; `structure`, and each backend's servers, are the very same objects as
    long as the table's parts are.
    """

    def __init__(self, profile: Profile, *, is_hitless: bool = True) -> None:
        self._profile, self._is_hitless = profile, is_hitless
        self._services: tuple[Service, ...] | None = None
        self._left_out: tuple[Mapping[str, str], Mapping[str, str]] = (_NONE, _NONE)
        self._endpoints: Mapping[str, tuple[Endpoint, ...]] = {}
        self._desired = Desired(Structure((), ""))
        self._by_name: Mapping[str, Service] = {}

    def desired(
        self, table: RoutingTable, withheld: Mapping[str, str] = _NONE, refused: Mapping[str, str] = _NONE
    ) -> Desired:
        """What HAProxy should be for `table`.

        `withheld` and `refused` name services, with the reason. A withheld one gets no listener of its own (its port
        is taken by a foreign process); a refused one, whose text HAProxy did not accept, gets nothing at all.
        """
        if table.services is not self._services or (withheld, refused) != self._left_out:
            self._desired = self._restructured(table, withheld, refused)
        elif table.endpoints is not self._endpoints:
            self._desired = self._with_servers(table.endpoints)
        self._services, self._endpoints = table.services, table.endpoints
        self._left_out = (dict(withheld), dict(refused))
        return self._desired

    def _restructured(self, table: RoutingTable, withheld: Mapping[str, str], refused: Mapping[str, str]) -> Desired:
        services = [service for service in table.services if service.name not in refused]
        self._by_name = {service.name: service for service in services}
        maps = {
            f"{self._profile.map_dir}/{HOSTS_MAP}": host_entries(services),
            f"{self._profile.map_dir}/{APPS_MAP}": app_entries(services),
        }
        servers = {name: run_servers(service, table.endpoints[name]) for name, service in self._by_name.items()}
        known = self._desired.servers
        return Desired(
            structure=run_structure(services, self._profile, withheld, is_hitless=self._is_hitless),
            servers={name: found if known.get(name) != found else known[name] for name, found in servers.items()},
            maps=maps,
            apps={service.name: service.app_id for service in services},
        )

    def _with_servers(self, endpoints: Mapping[str, tuple[Endpoint, ...]]) -> Desired:
        servers, before = dict(self._desired.servers), self._endpoints
        for name, found in endpoints.items():
            if before[name] is not found and name in self._by_name:
                servers[name] = run_servers(self._by_name[name], found)
        return Desired(self._desired.structure, servers, self._desired.maps, self._desired.apps)


def run_servers(service: Service, endpoints: tuple[Endpoint, ...]) -> tuple[Server, ...]:
    """The servers of one backend. A sticky server is checked even where its app has no check, as marathon-lb did."""
    names = distinct_names([server_name(endpoint) for endpoint in endpoints])
    check = check_words(service.check) or ("check" if service.sticky else "")
    common = (*((check,) if check else ()), *_POOL)
    return tuple(
        Server(name, at.address, at.port, number, (*_cookie(service, name), *common))
        for name, at, number in zip(names, endpoints, server_ids(names), strict=True)
    )


def _cookie(service: Service, name: str) -> tuple[str, ...]:
    return (f"cookie {cookie_value(name)}",) if service.sticky else ()
