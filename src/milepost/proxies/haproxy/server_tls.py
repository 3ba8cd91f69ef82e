"""TLS to servers, and in their checks: the words of their lines. Pure."""

from collections.abc import Iterator

from milepost.model.routing import ServerTls, Service
from milepost.proxies.haproxy.config import Section

_BACKEND = "milepost_server_ca"


def tls_words(service: Service, server_ca: str) -> tuple[str, ...]:
    """Options of each server, () for a plain one. A check is made over TLS wherever traffic is, unless it has a port of
    its own.
    """
    is_checked = service.check is not None and service.check.is_tls
    if service.server_tls is ServerTls.OFF and not is_checked:
        return ()
    to_server = ("ssl",) if service.server_tls is not ServerTls.OFF else ()
    is_verified = service.server_tls is ServerTls.VERIFIED
    verify = f"verify required ca-file {server_ca}" if is_verified else "verify none"
    return (*to_server, *(("check-ssl",) if is_checked else ()), verify)


def trusted_certificates(server_ca: str) -> Iterator[Section]:
    """What makes HAProxy read the file at start: a server that is added later can only name one that it has read."""
    if server_ca:
        server = f"server trusted 127.0.0.1:1 ssl verify required ca-file {server_ca} disabled"
        yield Section("backend", _BACKEND, ("mode tcp", server))
