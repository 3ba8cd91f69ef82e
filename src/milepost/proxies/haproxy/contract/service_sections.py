"""A service's own sections but its backend: the users who may come in, and the frontend on its port."""

from milepost.model.routing import Service
from milepost.proxies.haproxy.contract.block import Block
from milepost.proxies.haproxy.contract.texts import Texts


def userlist(service: Service, texts: Texts) -> Block:
    """Empty where nobody is named (marathon-lb-behaviour.md 12)."""
    if service.auth is None or not service.auth.user:
        return Block("", service.app_id)
    values = {"backend": service.name, "user": service.auth.user, "passwd": service.auth.password}
    return Block(texts.of(service, "USERLIST_HEAD", values), service.app_id)


def frontend(service: Service, texts: Texts) -> Block:
    certificate, options = service.binding.certificate, service.binding.options
    values = {
        "bindAddr": service.bind_addr,
        "backend": service.name,
        "servicePort": service.port,
        "mode": service.mode,
        "sslCert": f" ssl crt {certificate}" if certificate else "",
        "bindOptions": f" {options}" if options else "",
    }
    head = texts.of(service, "FRONTEND_HEAD", values)
    glue = texts.of(service, "FRONTEND_BACKEND_GLUE", {"backend": service.name})
    return Block(head + glue, service.app_id)
