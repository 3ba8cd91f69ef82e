"""The rules of the shared HTTP frontend: which templates a service takes part with."""

from collections.abc import Iterator

from milepost.model.routing import Service

_OF_ONE_HOST = {
    # (path, redirect, auth)
    (False, False, False): ("HTTP_FRONTEND_ACL",),
    (False, False, True): ("HTTP_FRONTEND_ACL_WITH_AUTH",),
    (False, True, False): ("HTTP_FRONTEND_ACL", "BACKEND_REDIRECT_HTTP_TO_HTTPS"),
    (True, False, False): ("HTTP_FRONTEND_ACL_WITH_PATH",),
    (True, False, True): ("HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH",),
    (True, True, False): (
        "HTTP_FRONTEND_ACL_ONLY",
        "HTTP_FRONTEND_ACL_ONLY_WITH_PATH",
        "BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH",
    ),
}

_LAST_OF_SEVERAL = {
    (False, False, False): "HTTP_FRONTEND_ROUTING_ONLY",
    (False, False, True): "HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH",
    (False, True, False): "BACKEND_REDIRECT_HTTP_TO_HTTPS",
    (True, False, False): "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH",
    (True, False, True): "HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH",
    (True, True, False): "BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH",
}


def asks_who_it_is(service: Service) -> bool:
    return service.auth is not None and bool(service.auth.realm)


def http_rules(service: Service) -> Iterator[tuple[str, str]]:
    """(template, host) in order (marathon-lb-behaviour.md 13.1 and 13.2): one host and several come in two forms."""
    redirects = service.redirects_to_https
    asks = asks_who_it_is(service)
    form = (bool(service.path), redirects, asks and not redirects)
    first = service.hosts[0]
    if not service.several_hosts:
        yield from ((name, first) for name in _OF_ONE_HOST[form])
        return
    if service.path:
        yield f"HTTP_FRONTEND_ACL_ONLY_WITH_PATH{'_AND_AUTH' if asks else ''}", first
    yield from (("HTTP_FRONTEND_ACL_ONLY", host) for host in service.hosts)
    yield _LAST_OF_SEVERAL[form], first
