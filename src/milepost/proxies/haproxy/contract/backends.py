"""A service's backend: its lines in marathon-lb's order, then its servers."""

from collections.abc import Iterator, Sequence

from milepost.model.routing import Endpoint, Service
from milepost.proxies.haproxy.contract.block import Block
from milepost.proxies.haproxy.contract.checks import backend_check
from milepost.proxies.haproxy.contract.servers import server_lines
from milepost.proxies.haproxy.contract.texts import Texts


def backend(service: Service, endpoints: Sequence[Endpoint], texts: Texts) -> Block:
    """In the order of marathon-lb-behaviour.md 12. `endpoints` are not empty."""
    head = {"backend": service.name, "balance": service.balance, "mode": service.mode}
    parts = [texts.of(service, "BACKEND_HEAD", head)]
    if service.mode == "http":
        parts += _http_lines(service, texts)
    parts += _network_lines(service, texts)
    if service.sticky:
        parts.append(texts.of(service, "BACKEND_STICKY_OPTIONS", {}))
    parts.append(backend_check(service, endpoints[0], texts))
    parts += server_lines(service, endpoints, texts)
    return Block("".join(parts), service.app_id)


def _http_lines(service: Service, texts: Texts) -> Iterator[str]:
    rewrites = service.rewrites
    if rewrites.hsts:
        yield texts.of(service, "BACKEND_HSTS_OPTIONS", {})
    yield texts.of(service, "BACKEND_HTTP_OPTIONS", {})
    for name, placeholder, value in (
        ("HTTP_BACKEND_PROXYPASS_GLUE", "proxypath", rewrites.proxypass_path),
        ("HTTP_BACKEND_REVPROXY_GLUE", "rootpath", rewrites.revproxy_path),
        ("HTTP_BACKEND_REDIR", "redirpath", rewrites.root_redirect),
    ):
        if value:
            yield texts.of(service, name, {"hostname": service.host_label, placeholder: value})


def _network_lines(service: Service, texts: Texts) -> Iterator[str]:
    kind = {"http": "HTTP", "tcp": "TCP"}.get(service.mode)
    if kind and service.networks:
        for network in service.networks:
            yield texts.of(service, f"{kind}_BACKEND_NETWORK_ALLOWED_ACL", {"network_allowed": network})
        yield texts.of(service, f"{kind}_BACKEND_ACL_ALLOW_DENY", {})
