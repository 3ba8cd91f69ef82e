"""From the JSON that somebody sent to a canonical definition: types, deprecated forms, defaults (marathon-api 4, 5)."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import (
    Container,
    Definition,
    HealthCheck,
    Network,
    PortDefinition,
    PortMapping,
)
from milepost.local.apps.kept_only import Credential, Parameter, PullConfig, Residency, Volume
from milepost.local.apps.legacy import Document, modernise
from milepost.local.apps.refusal import Violation, invalid
from milepost.local.apps.validation import violations

ERROR_NAMES = {
    "str": "error.expected.jsstring",
    "int": "error.expected.jsnumber",
    "float": "error.expected.jsnumber",
    "bool": "error.expected.jsboolean",
    "array": "error.expected.jsarray",
    "object": "error.expected.jsobject",
}
PLURAL = frozenset(
    {"env", "constraints", "fetch", "healthChecks", "readinessChecks", "dependencies", "secrets", "args"}
)


AT_ONCE = {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0}
CAREFUL = {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0.0}


class _InputDocker(Struct, kw_only=True, rename="camel"):
    image: str = ""
    network: str | UnsetType = UNSET
    port_mappings: list[PortMapping] | UnsetType = UNSET
    force_pull_image: bool = False
    privileged: bool = False
    parameters: list[Parameter] = []
    credential: Credential | UnsetType = UNSET
    pull_config: PullConfig | UnsetType = UNSET


class _InputContainer(Struct, kw_only=True, rename="camel"):
    type: str = "DOCKER"
    docker: _InputDocker | UnsetType = UNSET
    volumes: list[Volume] = []
    port_mappings: list[PortMapping] | UnsetType = UNSET


class _DiscoveryPort(Struct, frozen=True):
    number: int
    protocol: str = "tcp"
    name: str = ""


class _Discovery(Struct, frozen=True):
    ports: tuple[_DiscoveryPort, ...] = ()


class _IpAddress(Struct, kw_only=True, rename="camel"):
    network_name: str = ""
    labels: dict[str, str] = {}
    discovery: _Discovery = _Discovery()


class _Input(Definition, frozen=True, kw_only=True, rename="camel"):
    """Everything that may be sent, old forms included; only its types matter."""

    id: str = ""
    container: _InputContainer | UnsetType = UNSET  # type: ignore[assignment]  # looser than what is kept
    env: dict[str, str | dict[str, str]] | UnsetType = UNSET
    ip_address: _IpAddress | UnsetType = UNSET
    residency: Residency | UnsetType = UNSET  # type: ignore[assignment]  # kept as it came
    uris: tuple[str, ...] = ()


def checked(document: object) -> Document:
    """`document` with null members left out, once its types are right. Raises Refused (422) naming the place."""
    bare = without_nulls(document)
    try:
        msgspec.convert(bare, _Input)
    except msgspec.ValidationError as error:
        raise invalid([type_violation(str(error))], "Invalid JSON") from None
    return dict(bare)


def create(document: Document, app_id: str) -> Definition:
    """The definition of a new app, or of one that is replaced whole. `document` comes from `checked`."""
    return _complete(modernise(document), app_id)


def update(current: Definition, document: Document) -> Definition:
    """`current` with the given top-level members replaced whole, never merged (marathon-api 6.4)."""
    kept = current.document()
    new = modernise(document)
    if "networks" in new and "container" not in new and kept.get("container"):
        kept["container"].pop("portMappings", None)
    return _complete(modernise(kept) | new, current.id)


def named_id(document: Document, base: str = "/") -> str:
    """The absolute id a document gives. Raises Refused (422) without one."""
    raw = document.get("id")
    if not raw:
        error = "error.path.missing" if raw is None else "error.minLength"
        raise invalid([("/id", error)], "Invalid JSON")
    return ids.absolute(str(raw), base)


def without_nulls(value: Any) -> Any:
    """`value` without the members that are null, at every depth: null means absence (marathon-api 2)."""
    if isinstance(value, Mapping):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value


def type_violation(text: str) -> Violation:
    """msgspec's message in Marathon's words: the path and the name of the error (marathon-api 7.1)."""
    at = re.search(r" - at `\$(.*)`$", text)
    place = at[1] if at else ""
    missing = re.match(r"Object missing required field `(\w+)`", text)
    if missing:
        return _path(f"{place}.{missing[1]}"), "error.path.missing"
    plain = text.partition(" - at ")[0]
    least = re.fullmatch(r"Expected `\w+` >= ([\d.]+)", plain)
    if least:
        return _path(place), f"expected {least[1]} or more"
    expected = re.match(r"Expected `(\w+)", text)
    return _path(place), ERROR_NAMES.get(expected[1], plain) if expected else plain


def _path(place: str) -> str:
    numbered = re.sub(r"\[(\d+)\]", r"(\1)", place.replace("[...]", ""))
    return numbered.replace(".", "/") or "/"


def _complete(document: Document, app_id: str) -> Definition:
    """Fill in what the canonical form always has, then check the rules. Raises Refused (422)."""
    given = {key: value for key, value in document.items() if value or key not in PLURAL}
    if isinstance(given.get("unreachableStrategy"), dict):
        given["unreachableStrategy"] = AT_ONCE | given["unreachableStrategy"]
    if _has_lasting_volumes(given):
        given.setdefault("upgradeStrategy", CAREFUL)
    try:
        definition = msgspec.convert(given | {"id": app_id}, Definition)
    except msgspec.ValidationError as error:
        raise invalid([type_violation(str(error))], "Invalid JSON") from None
    definition = _with_checks(_with_ports(_with_networks(definition)))
    found = violations(definition)
    if found:
        raise invalid(found)
    return definition


def _has_lasting_volumes(document: Document) -> bool:
    """A second task beside the old one could not have them (marathon-api 4.1)."""
    volumes = document.get("container", {}).get("volumes", ())
    return any("persistent" in volume or "external" in volume for volume in volumes)


def _with_networks(definition: Definition) -> Definition:
    base = ids.parent(definition.id)
    dependencies = tuple(ids.absolute(each, base) for each in definition.dependencies or ())
    return structs.replace(
        definition,
        networks=definition.networks or (Network(mode="host"),),
        dependencies=dependencies or UNSET,
        version="",
        version_info=UNSET,
        ports=UNSET,
    )


def _with_ports(definition: Definition) -> Definition:
    """Host networking has port definitions, everything else has port mappings; each gets one by default."""
    container = definition.container
    if definition.on_host_network:
        default = (PortDefinition(port=0, name="default"),)
        given = definition.port_definitions
        return structs.replace(
            definition,
            port_definitions=default if isinstance(given, UnsetType) else tuple(map(_tidy_definition, given)),
            container=structs.replace(container, port_mappings=UNSET) if container else container,
        )
    if not (container or definition.cmd or definition.args):
        return definition  # a container is implied for what runs in it, not for nothing
    container = container or Container(type="MESOS")
    bridged = definition.networks[0].mode == "container/bridge"
    default_mapping = PortMapping(container_port=0, host_port=0 if bridged else UNSET, name="default")
    mappings = container.port_mappings
    mappings = (default_mapping,) if isinstance(mappings, UnsetType) else mappings
    missing = len(definition.port_definitions or ()) - len(mappings)
    mappings = tuple(_tidy_mapping(m, bridged=bridged) for m in mappings) + (default_mapping,) * missing
    return structs.replace(
        definition,
        container=structs.replace(container, port_mappings=mappings),
        port_definitions=UNSET,
        require_ports=False,
    )


def _tidy_definition(port: PortDefinition) -> PortDefinition:
    return structs.replace(port, protocol=_protocol(port.protocol), labels=port.labels or UNSET)


def _tidy_mapping(mapping: PortMapping, *, bridged: bool) -> PortMapping:
    host_port = 0 if bridged and isinstance(mapping.host_port, UnsetType) else mapping.host_port
    return structs.replace(mapping, host_port=host_port, protocol=_protocol(mapping.protocol))


def _protocol(text: str) -> str:
    return "udp,tcp" if text == "tcp,udp" else text


def _with_checks(definition: Definition) -> Definition:
    checks = tuple(_complete_check(check, has_ports=bool(definition.service_ports)) for check in definition.checks)
    return structs.replace(definition, health_checks=checks or UNSET)


def _complete_check(check: HealthCheck, *, has_ports: bool) -> HealthCheck:
    if check.protocol == "COMMAND":
        return check
    unplaced = isinstance(check.port, UnsetType) and isinstance(check.port_index, UnsetType)
    http = check.protocol in ("HTTP", "HTTPS")
    return structs.replace(
        check,
        port_index=0 if unplaced and has_ports else check.port_index,
        ignore_http1xx=(check.ignore_http1xx or False) if http else check.ignore_http1xx,
    )
