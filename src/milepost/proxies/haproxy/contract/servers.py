"""The `server` lines of a backend."""

from collections.abc import Iterator, Sequence

from milepost.model.routing import Endpoint, Service
from milepost.proxies.haproxy.contract.checks import server_check
from milepost.proxies.haproxy.contract.texts import Texts
from milepost.proxies.haproxy.names import cookie_value, server_ids, server_name


def server_lines(service: Service, endpoints: Sequence[Endpoint], texts: Texts) -> Iterator[str]:
    """One for each endpoint. IPv6 addresses are bare, as marathon-lb wrote them (its Q43)."""
    names = [server_name(endpoint) for endpoint in endpoints]
    for name, endpoint, number in zip(names, endpoints, server_ids(names), strict=True):
        values = {
            "serverName": name,
            "host": endpoint.host,
            "host_ipv4": endpoint.address,
            "port": endpoint.port,
            "serverId": number,
            "cookieOptions": f" check cookie {cookie_value(name)}" if service.sticky else "",
            "healthCheckOptions": server_check(service, endpoint, texts),
            "otherOptions": " disabled" if endpoint.is_drained else "",
        }
        yield texts.of(service, "BACKEND_SERVER_OPTIONS", values)
