"""The frontends that all apps share: the head of each, and what every service adds to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from milepost.model.routing import Service
from milepost.proxies.haproxy.contract.block import Block
from milepost.proxies.haproxy.contract.flags import ContractFlags
from milepost.proxies.haproxy.contract.http_rules import http_rules
from milepost.proxies.haproxy.contract.https_rules import https_rules
from milepost.proxies.haproxy.contract.maps import HostMap, first_http
from milepost.proxies.haproxy.contract.placeholders import acl_names, rule_values
from milepost.proxies.haproxy.contract.texts import Texts
from milepost.proxies.haproxy.names import cleaned


def by_weight(services: Iterable[Service]) -> list[Service]:
    """Larger weights first; equals stay in order (marathon-lb-behaviour.md 13)."""
    return sorted(services, key=lambda service: service.weight, reverse=True)


class SharedFrontends:
    """Those for HTTP, HTTPS and app ids. `hosted` are the services with hosts, in the table's order."""

    def __init__(self, services: Sequence[Service], found: HostMap, texts: Texts, flags: ContractFlags) -> None:
        self.hosted = [service for service in services if service.hosts]
        self._services = services
        self._found = found
        self._in_http_map = {service.name for service in found.http}
        self._in_https_map = {service.name for service in found.https}
        self._texts = texts
        self._flags = flags
        self._acls: Mapping[str, str] = acl_names(self.hosted)

    def http(self) -> Iterator[Block]:
        yield Block(self._texts.shared("HTTP_FRONTEND_HEAD"))
        for service in by_weight(self.hosted):
            if service.name not in self._in_http_map:
                yield self._block(service, http_rules(service))
        for service in self._found.http[:1]:
            several = "_ONLY" if service.several_hosts else ""
            yield self._map_rule(service, f"MAP_HTTP_FRONTEND_ACL{several}")

    def https(self) -> Iterator[Block]:
        certificates = " ".join(f"crt {path}" for path in self._flags.ssl_certs)
        yield Block(self._texts.shared("HTTPS_FRONTEND_HEAD", {"sslCerts": certificates}))
        yield from self.https_rules(self.hosted)

    def app_ids(self) -> Iterator[Block]:
        yield Block(self._texts.shared("HTTP_FRONTEND_APPID_HEAD"))
        for service in first_http(self._services):
            if self._flags.use_maps:
                yield self._map_rule(service, "MAP_HTTP_FRONTEND_APPID_ACL")
                return
            values = {
                "cleanedUpAppId": cleaned(service.app_id),
                "hostname": service.host_label,
                "appId": service.app_id,
                "backend": service.name,
            }
            yield Block(self._texts.of(service, "HTTP_FRONTEND_APPID_ACL", values), service.app_id)

    def https_rules(self, services: Sequence[Service], host: str | None = None) -> Iterator[Block]:
        """For all hosts of these services, or for `host` only."""
        for service in by_weight(services):
            if service.name not in self._in_https_map:
                yield self._block(service, https_rules(service, service.hosts if host is None else (host,)))
        for service in [service for service in services if service.name in self._in_https_map][:1]:
            yield self._map_rule(service, "MAP_HTTPS_FRONTEND_ACL")

    def _map_rule(self, service: Service, name: str) -> Block:
        values = {"haproxy_dir": self._flags.config_dir, "hostname": service.hosts[0] if service.hosts else ""}
        return Block(self._texts.of(service, name, values), service.app_id)

    def _block(self, service: Service, rules: Iterable[tuple[str, str]]) -> Block:
        acl = self._acls[service.name]
        texts = [self._texts.of(service, name, rule_values(service, acl, host)) for name, host in rules]
        return Block("".join(texts), service.app_id)
