"""What the placeholders of the rules stand for (marathon-lb-behaviour.md 16.3): a family's are the same everywhere."""

from collections.abc import Iterable, Mapping

from milepost.model.routing import Service
from milepost.proxies.haproxy.contract.http_rules import asks_who_it_is
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

    marathon-lb gave the ports of an app whose first host is the same one name, and so the users of one port the rights
    of the other (its Q14). A name is shared only where it means the same; else the later one has its port in it.
    """
    names: dict[str, str] = {}
    meanings: dict[str, set[tuple[str, ...]]] = {}
    for service in services:
        name = acl_name(service)
        while not _means_the_same(service, meanings.get(name, set())):
            name = f"{name}_{service.port}"
        names[service.name] = name
        meanings.setdefault(name, set()).update(_meanings(service))
    return names


def _meanings(service: Service) -> set[tuple[str, ...]]:
    """What its ACLs say: one is about hosts, another about users."""
    hosts = ("hosts", *sorted(set(service.hosts)))
    return {hosts, ("users", service.name)} if asks_who_it_is(service) else {hosts}


def _means_the_same(service: Service, known: set[tuple[str, ...]]) -> bool:
    together = known | _meanings(service)
    return len({meaning[0] for meaning in together}) == len(together)
