"""One TLS frontend for each host behind a switch on SNI (marathon-lb-behaviour.md 15)."""

from collections.abc import Iterator, Sequence

from milepost.model.routing import Service
from milepost.proxies.haproxy.contract.block import Block
from milepost.proxies.haproxy.contract.flags import ContractFlags
from milepost.proxies.haproxy.contract.shared_frontends import SharedFrontends
from milepost.proxies.haproxy.contract.texts import Texts
from milepost.proxies.haproxy.names import cleaned


def grouped_https(frontends: SharedFrontends, texts: Texts, flags: ContractFlags) -> Iterator[Block]:
    """With maps too each host has its frontend and a rule in it: marathon-lb forgot most of them (its Q32)."""
    yield Block(texts.shared("HTTPS_GROUPED_FRONTEND_HEAD"))
    services: dict[str, list[Service]] = {}
    for service in frontends.hosted:
        for host in dict.fromkeys(service.hosts):
            services.setdefault(host, []).append(service)
    for host in sorted(services):
        values = {"backend": cleaned(host), "host": host}
        yield Block(texts.shared("HTTPS_GROUPED_VHOST_FRONTEND_ACL", values))
    for host in sorted(services):
        name = cleaned(host)
        yield Block(texts.shared("HTTPS_GROUPED_VHOST_BACKEND_HEAD", {"name": name}))
        head = {"name": name, "sslCerts": _certificates(services[host], flags), "bindOpts": _options(services[host])}
        yield Block(texts.shared("HTTPS_GROUPED_VHOST_FRONTEND_HEAD", head))
        yield from frontends.https_rules(services[host], host)


def _certificates(services: Sequence[Service], flags: ContractFlags) -> str:
    own = [service.binding.certificate for service in services if service.binding.certificate is not None]
    return " ".join(f"crt {path}" for path in dict.fromkeys(own or flags.ssl_certs))


def _options(services: Sequence[Service]) -> str:
    options = [service.binding.options for service in services if service.binding.options]
    return "".join(f" {words}" for words in dict.fromkeys(options))
