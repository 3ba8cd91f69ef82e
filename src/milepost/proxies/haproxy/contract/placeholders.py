"""What the placeholders of the rules stand for (marathon-lb-behaviour.md 16.3): a family's are the same everywhere."""

from collections.abc import Iterable, Mapping

from milepost.model.routing import Service
from milepost.proxies.haproxy.names import acl_name


def rule_values(service: Service, acl: str, host: str) -> dict[str, object]:
    """For a rule about one of the service's hosts. `acl` is what its ACLs are called."""
    return {
        "cleanedUpHostname": acl,
        "hostname": host,
        "appId": service.app_id,
        "backend": service.name,
        "realm": service.auth.realm if service.auth else "",
        "path": " ".join(service.path),
        "bindAddr": service.bind_addr,
    }


def acl_names(services: Iterable[Service]) -> Mapping[str, str]:
    """What the ACLs of each service are called, by its name.

    The ports of one app may have the same first host. marathon-lb gave them one name, and so the users of one port the
    other's rights (its Q14): all but the first have their port in the name.
    """
    taken: dict[str, str] = {}
    for service in services:
        name = acl_name(service)
        while name in taken:
            name = f"{name}_{service.port}"
        taken[name] = service.name
    return {service: name for name, service in taken.items()}
