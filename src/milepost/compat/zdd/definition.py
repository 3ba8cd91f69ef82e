"""The app definition in a colour: its labels, and its service port wherever a definition may have that. Pure."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from milepost.compat.zdd.errors import MissingField

Document = Mapping[str, Any]

GROUP = "HAPROXY_DEPLOYMENT_GROUP"
ALT_PORT = "HAPROXY_DEPLOYMENT_ALT_PORT"
COLOUR = "HAPROXY_DEPLOYMENT_COLOUR"
STARTED_AT = "HAPROXY_DEPLOYMENT_STARTED_AT"
TARGET_INSTANCES = "HAPROXY_DEPLOYMENT_TARGET_INSTANCES"
NEW_INSTANCES = "HAPROXY_DEPLOYMENT_NEW_INSTANCES"
APP_ID = "HAPROXY_APP_ID"
PUBLIC_PORT = "HAPROXY_0_PORT"

_PORTS = "container.docker.portMappings, container.portMappings, portDefinitions or ports"


@dataclass(frozen=True, slots=True)
class Place:
    """What of the new colour does not stand in the definition. `started_at`: local time, ISO 8601 without zone.

    `target` is how many instances both colours are meant to have, `kept` how many the new one is, 0 for all.
    """

    colour: str
    port: int
    instances: int
    target: int
    kept: int
    started_at: str


def in_colour(document: Document, place: Place) -> dict[str, Any]:
    """The definition as it is deployed (19.2). Raises MissingField."""
    require(document)
    found = deepcopy(dict(document))
    app_id = str(document["id"])
    found["id"] = f"/{app_id.strip('/')}-{place.colour}"
    found["instances"] = place.instances
    found["labels"] |= {
        APP_ID: app_id,
        PUBLIC_PORT: str(service_port(document)),
        COLOUR: place.colour,
        TARGET_INSTANCES: str(place.target),
        STARTED_AT: place.started_at,
        NEW_INSTANCES: str(place.kept),
    }
    _set_service_port(found, place.port)
    return found


def require(document: Document) -> None:
    """Raises MissingField where a member is missing that a deployment needs."""
    labels = document.get("labels")
    missing = [name for name in (GROUP, ALT_PORT) if not isinstance(labels, Mapping) or not labels.get(name)]
    for name in ["id"] * (not document.get("id")) + [f"labels.{name}" for name in missing]:
        raise MissingField(f"the app definition has no {name}; nothing was changed")
    if not str(labels[ALT_PORT] if labels else "").isdecimal():
        raise MissingField(f"the label {ALT_PORT} is no port; nothing was changed")
    service_port(document)


def service_port(document: Document) -> int:
    """The app's first service port. Raises MissingField where it has none."""
    for holder, key in _holders(document):
        port = holder[key] if isinstance(holder, list) else holder.get(key)
        if isinstance(port, int) and port > 0:
            return port
    raise MissingField(f"the app {document.get('id')} has no service port in {_PORTS}")


def _set_service_port(document: dict[str, Any], port: int) -> None:
    """In the first place that exists."""
    holder, key = next(_holders(document))
    holder[key] = port


def _holders(document: Document) -> Iterator[tuple[Any, Any]]:
    """Where the service port may stand, best first: something, and its key therein."""
    container = document.get("container") or {}
    for mappings in ((container.get("docker") or {}).get("portMappings"), container.get("portMappings")):
        if mappings:
            yield mappings[0], "servicePort"
    if document.get("portDefinitions"):
        yield document["portDefinitions"][0], "port"
    if document.get("ports"):
        yield document["ports"], 0
