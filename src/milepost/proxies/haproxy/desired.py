"""From the routing table to what HAProxy should be, in the run profile. Pure; remembers what stays."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.model.shared_map import SharedMap, changed, replaced
from milepost.proxies.haproxy.app_listener import without_certificate
from milepost.proxies.haproxy.backend import check_words
from milepost.proxies.haproxy.certificate import CertificateList
from milepost.proxies.haproxy.config import Desired, Profile, Server, Structure
from milepost.proxies.haproxy.drain import DRAIN_MAP
from milepost.proxies.haproxy.names import cookie_value, distinct_names, server_ids, server_name
from milepost.proxies.haproxy.own_servers import POOL, has_own_servers, own_servers
from milepost.proxies.haproxy.server_tls import tls_words
from milepost.proxies.haproxy.shared_frontends import APPS_MAP, HOSTS_MAP, app_entries, host_entries
from milepost.proxies.haproxy.sni import SNI_MAP, passes_tls, sni_entries
from milepost.proxies.haproxy.structure import StructureMaker

_NOTHING: Mapping[str, str] = MappingProxyType({})


class RunDesigner:
    """Decides what HAProxy should be, table after table.

    The result equals that of a new designer; `structure`, and each backend's servers, are the very same objects as
    long as the table's parts are.
    """

    def __init__(self, profile: Profile, *, is_hitless: bool = True) -> None:
        self._profile, self._is_hitless = profile, is_hitless
        self._structures = StructureMaker(profile, is_hitless=is_hitless)
        self._is_new, self._is_without_tls = True, False
        self._table = RoutingTable()
        self._withheld: Mapping[str, str] = _NOTHING
        self._silent: frozenset[str] = frozenset()  # services whose certificate is not there
        self._served: Mapping[str, Service] = {}
        self._desired = Desired(Structure((), ""))

    def desired(
        self,
        table: RoutingTable,
        withheld: Mapping[str, str] = _NOTHING,
        certificates: CertificateList | None = None,
    ) -> Desired:
        """What HAProxy should be for `table`, without what is withheld. The values of `withheld` are reasons.

        Its keys are app ids, whose text HAProxy refused: they get nothing at all. Or they are names of services,
        whose port is taken by a foreign process: they get no listener of their own, all else stays.
        Without `certificates` those to come are taken for good; of an empty list nothing can be served over TLS. A
        service whose own certificate is not among them does not listen.
        """
        if (certificates is not None and not certificates.certificates) != self._is_without_tls:
            self._is_new, self._is_without_tls = True, not self._is_without_tls
            profile = replace(self._profile, certificate_list="") if self._is_without_tls else self._profile
            self._structures = StructureMaker(profile, is_hitless=self._is_hitless)
        if table.services is not self._table.services or certificates is not self._desired.certificates:
            silent = frozenset(without_certificate(table.services, certificates))
            self._is_new, self._silent = self._is_new or silent != self._silent, silent
        if self._is_new or table.services is not self._table.services or withheld.keys() != self._withheld.keys():
            self._is_new = False
            self._desired = self._restructured(table, withheld)
        elif table.endpoints is not self._table.endpoints:
            self._desired = self._with_servers(table.endpoints)
        if certificates is not self._desired.certificates:
            self._desired = replace(self._desired, certificates=certificates)
        self._table, self._withheld = table, dict(withheld)
        return self._desired

    def _restructured(self, table: RoutingTable, withheld: Mapping[str, str]) -> Desired:
        services = [service for service in table.services if service.app_id not in withheld]
        servers = {service.name: self._servers(service, table.endpoints[service.name]) for service in services}
        self._served = {service.name: service for service in services}
        folder = self._profile.map_dir
        return Desired(
            structure=self._structures.structure(services, {*withheld, *self._silent}),
            servers=SharedMap(servers),
            maps={
                f"{folder}/{HOSTS_MAP}": host_entries(services),
                f"{folder}/{APPS_MAP}": app_entries(services),
                **({f"{folder}/{SNI_MAP}": sni_entries(services)} if passes_tls(services) else {}),
            },
            apps={service.name: service.app_id for service in services},
            found_maps=(f"{folder}/{DRAIN_MAP}",),
        )

    def _servers(self, service: Service, endpoints: tuple[Endpoint, ...]) -> tuple[Server, ...]:
        """Those of before, the very same object, where nothing that they are made from changed."""
        name = service.name
        if self._served.get(name) == service and self._table.endpoints[name] is endpoints:
            return self._desired.servers[name]
        return run_servers(service, endpoints, self._profile.slow_start_s, self._profile.server_ca)

    def _with_servers(self, endpoints: Mapping[str, tuple[Endpoint, ...]]) -> Desired:
        touched = [name for name in changed(self._table.endpoints, endpoints) if name in self._served]
        how = self._profile.slow_start_s, self._profile.server_ca
        servers = {name: run_servers(self._served[name], endpoints[name], *how) for name in touched}
        return replace(self._desired, servers=replaced(self._desired.servers, servers))


def run_servers(
    service: Service, endpoints: tuple[Endpoint, ...], slow_start_s: float = 0.0, server_ca: str = ""
) -> tuple[Server, ...]:
    """The servers of one backend. A sticky server is checked even where its app has no check, as marathon-lb did.

    With `slow_start_s` a server takes that long to come to its full share; see `Profile`, also for `server_ca`.
    """
    names = distinct_names([server_name(endpoint) for endpoint in endpoints])
    if has_own_servers(service):
        return own_servers(service, names, endpoints, slow_start_s, server_ca)
    slow = (f"slowstart {slow_start_s * 1000:.0f}ms",) if slow_start_s else ()
    usual = (*slow, *tls_words(service, server_ca), *POOL)
    common = (*_check(service), *usual)

    def options(name: str, at: Endpoint) -> tuple[str, ...]:
        words = common if at.check_port is None else (*_check(service, at.check_port), *usual)
        return (*_cookie(service, name), *words)

    return tuple(
        Server(name, at.address, at.port, number, options(name, at), is_off=at.is_drained)
        for name, at, number in zip(names, endpoints, server_ids(names), strict=True)
    )


def _check(service: Service, port: int | None = None) -> tuple[str, ...]:
    words = check_words(service.check, port) or ("check" if service.sticky else "")
    return (words,) if words else ()


def _cookie(service: Service, name: str) -> tuple[str, ...]:
    return (f"cookie {cookie_value(name)}",) if service.sticky else ()
