"""The rules of the shared HTTPS frontend, or of the frontend of one host."""

from collections.abc import Iterable, Iterator

from milepost.model.routing import Service
from milepost.proxies.haproxy.contract.http_rules import asks_who_it_is

_RULE = {
    # (path, auth)
    (False, False): "HTTPS_FRONTEND_ACL",
    (False, True): "HTTPS_FRONTEND_ACL_WITH_AUTH",
    (True, False): "HTTPS_FRONTEND_ACL_WITH_PATH",
    (True, True): "HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH",
}


def https_rules(service: Service, hosts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(template, host) in order, for these of the service's hosts (marathon-lb-behaviour.md 13.1, 13.2 and 15)."""
    if service.path:
        yield "HTTPS_FRONTEND_ACL_ONLY_WITH_PATH", service.hosts[0]
    for host in hosts:
        yield _RULE[bool(service.path), asks_who_it_is(service)], host
