"""What the labels ask for that marathon-lb did not have."""

from dataclasses import replace
from typing import Any

from milepost.model.problem import Severity
from milepost.model.routing import ServerTls, Service, Timeouts
from milepost.routing import labels as table
from milepost.routing.label import Label
from milepost.routing.port_labels import PortLabels

_READ_HERE = (
    *(table.LISTEN, table.STRIP_PATH, table.TIMEOUT_SERVER, table.TIMEOUT_TUNNEL, table.TIMEOUT_CLIENT),
    *(table.DENIED_NETWORKS, table.SERVER_TLS),
)


def with_own_labels(service: Service, labels: PortLabels) -> Service:
    """`service`, with what they ask for."""
    if not labels.has_any(_READ_HERE):  # to make a service anew costs as much as all else about it
        return service
    return replace(
        service,
        listens=_listens(labels, service),
        strips_path=_strips_path(labels, service),
        timeouts=_timeouts(labels, service),
        denied=labels.value(table.DENIED_NETWORKS, ()),
        server_tls=labels.value(table.SERVER_TLS, ServerTls.OFF),
    )


def _listens(labels: PortLabels, service: Service) -> bool:
    listens = labels.value(table.LISTEN, default=True)
    if not listens and service.mode != "http" and not service.passes_tls:
        labels.report(table.LISTEN, "nothing leads here then, since the mode is not http", Severity.WARNING)
    return listens


def _strips_path(labels: PortLabels, service: Service) -> bool:
    strips = labels.value(table.STRIP_PATH, default=False)
    if strips and not service.path:
        labels.report(table.STRIP_PATH, "has no effect: needs mode http and a PATH that leads here", Severity.WARNING)
    return strips and bool(service.path)


def _timeouts(labels: PortLabels, service: Service) -> Timeouts:
    return Timeouts(
        server_s=_needing_http(labels, table.TIMEOUT_SERVER, service.mode),
        tunnel_s=labels.optional(table.TIMEOUT_TUNNEL, needed=False),
        client_s=_needing_http(labels, table.TIMEOUT_CLIENT, service.mode),
    )


def _needing_http(labels: PortLabels, label: Label[Any], mode: str) -> float | None:
    """In mode tcp HAProxy knows one time only, that of the tunnel, as soon as a connection stands."""
    seconds: float | None = labels.optional(label, needed=False)
    if seconds is not None and mode != "http":
        labels.report(label, f"has no effect: needs mode http, but the mode is {mode}", Severity.WARNING)
        return None
    return seconds
