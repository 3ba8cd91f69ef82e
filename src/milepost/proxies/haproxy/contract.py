"""marathon-lb's configuration whole, for those who compare or replace it (the conformance cases are its contract).

Unlike in the run profile a service without a server is not written at all, hosts are matched by ACLs unless maps are
asked for, and several services may listen on one port.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milepost.model.routing import Endpoint, RoutingTable, Service
from milepost.proxies.haproxy.backend import backend_lines, check_words
from milepost.proxies.haproxy.config import Desired, Section, Server, Structure
from milepost.proxies.haproxy.contract_head import HEAD
from milepost.proxies.haproxy.names import acl_name, cleaned, cookie_value, server_ids, server_name


@dataclass(frozen=True, slots=True)
class ContractFlags:
    """marathon-lb's flags that change the text (marathon-lb-behaviour.md 3). `config_dir` also holds the map files."""

    ssl_certs: tuple[str, ...] = ("/etc/ssl/cert.pem",)
    config_dir: str = "/etc/haproxy"
    dont_bind: bool = False
    use_maps: bool = False

    @property
    def hosts_map(self) -> str:
        return f"{self.config_dir}/domain2backend.map"

    @property
    def apps_map(self) -> str:
        return f"{self.config_dir}/app2backend.map"


def contract_desired(table: RoutingTable, flags: ContractFlags | None = None) -> Desired:
    """What marathon-lb would have written for a table of the exact profile."""
    flags = flags or ContractFlags()
    services = [service for service in table.services if table.endpoints[service.name]]
    sections = (
        *HEAD,
        *_shared_frontends(services, flags),
        *(_frontend(service) for service in services),
        *(Section("backend", s.name, tuple(map(folded, backend_lines(s))), s.app_id) for s in services),
    )
    return Desired(
        structure=Structure(sections, ""),
        servers={service.name: _servers(service, table.endpoints[service.name]) for service in services},
        maps=_maps(services, flags),
        apps={service.name: service.app_id for service in services},
    )


def folded(line: str) -> str:
    return " ".join(line.split())


def _shared_frontends(services: Sequence[Service], flags: ContractFlags) -> Iterator[Section]:
    hosted = [service for service in services if service.hosts]
    if not flags.dont_bind:
        yield _shared("marathon_http_in", 80, "", _host_rules(hosted, flags))
    yield _shared("marathon_http_appid_in", 9091, "", _app_rules(services, flags))
    if not flags.dont_bind:
        certificates = "".join(f" crt {path}" for path in flags.ssl_certs)
        yield _shared("marathon_https_in", 443, f" ssl{certificates}", _sni_rules(hosted, flags))


def _shared(name: str, port: int, options: str, rules: Iterator[str]) -> Section:
    lines = (f"bind *:{port}{options}", "mode http", *map(folded, rules))
    return Section("frontend", name, lines, listens=(("*", port),))


def _host_rules(services: Sequence[Service], flags: ContractFlags) -> Iterator[str]:
    """marathon-lb-behaviour.md 13.1 and 13.2: one host and several come in different forms."""
    for service in _by_weight(services):
        if _is_in_map(service, flags):
            continue
        hosts = [f"acl host_{acl_name(service)} hdr(host) -i {host}" for host in service.hosts]
        path = [f"acl path_{service.name} path_beg {' '.join(service.path)}"] if service.path else []
        yield from (*path, *hosts) if service.several_hosts else (*hosts, *path)
        condition = f"host_{acl_name(service)}{f' path_{service.name}' if path else ''}"
        yield f"use_backend {service.name} if {condition}"
    if any(_is_in_map(service, flags) for service in services):
        yield f"use_backend %[req.hdr(host),lower,regsub(:.*$,,),map({flags.hosts_map})]"


def _sni_rules(services: Sequence[Service], flags: ContractFlags) -> Iterator[str]:
    for service in _by_weight(services):
        if _is_in_map(service, flags):
            continue
        if service.path:
            yield f"acl path_{service.name} path_beg {' '.join(service.path)}"
        path = f" path_{service.name}" if service.path else ""
        for host in service.hosts:
            yield f"use_backend {service.name} if {{ ssl_fc_sni {host} }}{path}"
    if any(_is_in_map(service, flags) for service in services):
        yield f"use_backend %[ssl_fc_sni,lower,map({flags.hosts_map})]"


def _by_weight(services: Sequence[Service]) -> list[Service]:
    """A path gives weight 1, and larger weights come first (marathon-lb-behaviour.md 10.2 and 13)."""
    return sorted(services, key=lambda service: not service.path)


def _is_in_map(service: Service, flags: ContractFlags) -> bool:
    return flags.use_maps and not flags.dont_bind and not service.path


def _app_rules(services: Sequence[Service], flags: ContractFlags) -> Iterator[str]:
    first = _first_http(services)
    if flags.use_maps:
        if first:
            yield f"use_backend %[req.hdr(x-marathon-app-id),lower,map({flags.apps_map})]"
        return
    for service in first:
        acl = f"app_{cleaned(service.app_id)}"
        yield f"acl {acl} hdr(x-marathon-app-id) -i {service.app_id}"
        yield f"use_backend {service.name} if {acl}"


def _first_http(services: Sequence[Service]) -> list[Service]:
    """The service that an app's id leads to: its first http one that has servers."""
    first: dict[str, Service] = {}
    for service in services:
        if service.mode == "http":
            first.setdefault(service.app_id, service)
    return list(first.values())


def _frontend(service: Service) -> Section:
    lines = (f"bind {service.bind_addr}:{service.port}", folded(f"mode {service.mode}"), f"use_backend {service.name}")
    return Section("frontend", service.name, lines, service.app_id, ((service.bind_addr, service.port),))


def _servers(service: Service, endpoints: Sequence[Endpoint]) -> tuple[Server, ...]:
    names = [server_name(endpoint) for endpoint in endpoints]
    words = (check_words(service.check),) if service.check and service.check.kind else ()
    return tuple(
        Server(name, at.address, at.port, number, (*_cookie(service, name), *words), is_bare=True, is_off=at.is_drained)
        for name, at, number in zip(names, endpoints, server_ids(names), strict=True)
    )


def _cookie(service: Service, name: str) -> tuple[str, ...]:
    return (f"check cookie {cookie_value(name)}",) if service.sticky else ()


def _maps(services: Sequence[Service], flags: ContractFlags) -> dict[str, tuple[tuple[str, str], ...]]:
    """Each pair once; a key that leads to several backends stays several times, HAProxy takes the first (14)."""
    if not flags.use_maps:
        return {}
    hosts = [(host, s.name) for s in services if _is_in_map(s, flags) for host in s.hosts]
    apps = [(service.app_id, service.name) for service in _first_http(services)]
    return {flags.hosts_map: tuple(dict.fromkeys(hosts)), flags.apps_map: tuple(apps)}
