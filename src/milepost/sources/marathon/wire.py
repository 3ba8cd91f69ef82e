"""Marathon's JSON as it arrives, with Marathon's names: only what milepost needs of it.

Very tolerant, for all of 1.4 to 1.10 and older: a member that is null counts as absent, members that
nobody needs may hold anything. The apps of an answer and the tasks of an app stay undecoded at first, so
that an odd one spoils nothing but itself.
"""

from typing import Annotated, Any

import msgspec

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Seconds = Annotated[int, msgspec.Meta(ge=0)]


class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of all structs here. They form no cycles, so the garbage collector need not know them."""


class PortDefinition(Wire, frozen=True):
    port: Port | None = None
    protocol: str | None = None
    name: str | None = None


class PortMapping(Wire, frozen=True):
    container_port: Port | None = None
    service_port: Port | None = None
    protocol: str | None = None
    name: str | None = None


class Docker(Wire, frozen=True):
    """`network` and `port_mappings` stand here up to 1.4 (marathon-api.md 1)."""

    network: str | None = None
    port_mappings: tuple[PortMapping, ...] | None = None


class Container(Wire, frozen=True):
    docker: Docker | None = None
    port_mappings: tuple[PortMapping, ...] | None = None


class Network(Wire, frozen=True):
    mode: str | None = None


class DiscoveryPort(Wire, frozen=True):
    number: Port | None = None
    protocol: str | None = None
    name: str | None = None


class Discovery(Wire, frozen=True):
    ports: tuple[DiscoveryPort, ...] | None = None


class HealthCheck(Wire, frozen=True):
    protocol: str | None = None
    path: str | None = None
    port: Port | None = None
    port_index: int | None = None
    interval_seconds: Seconds | None = None
    timeout_seconds: Seconds | None = None
    grace_period_seconds: Seconds | None = None
    max_consecutive_failures: Seconds | None = None


class HealthResult(Wire, frozen=True):
    alive: bool | None = None


class ReadinessResult(Wire, frozen=True):
    """`task_id` may be the instance's."""

    task_id: Any = None
    ready: Any = None


class IpAddress(Wire, frozen=True):
    ip_address: str | None = None


class Task(Wire, frozen=True):
    id: str
    host: str | None = None
    ports: tuple[Port, ...] | None = None
    ip_addresses: tuple[IpAddress, ...] | None = None
    state: str | None = None
    health_check_results: tuple[HealthResult | None, ...] | None = None
    version: str | None = None
    staged_at: Any = None  # nothing is lost where it is odd


class VersionInfo(Wire, frozen=True):
    last_scaling_at: Any = None  # nothing is lost where it is odd


class App(Wire, frozen=True):
    """`ip_address` keeps all its members: whether it is empty decides the network mode."""

    id: str
    labels: dict[str, Any] | None = None
    instances: int | None = None
    version: str | None = None
    version_info: VersionInfo | None = None
    ports: tuple[Port, ...] | None = None
    port_definitions: tuple[PortDefinition, ...] | None = None
    container: Container | None = None
    networks: tuple[Network | None, ...] | None = None
    ip_address: dict[str, Any] | None = None
    health_checks: tuple[HealthCheck, ...] | None = None
    tasks: tuple[msgspec.Raw, ...] | None = None
    readiness_checks: tuple[Any, ...] | None = None
    readiness_check_results: tuple[ReadinessResult | None, ...] | None = None
    deployments: tuple[Any, ...] | None = None


class Named(msgspec.Struct, frozen=True, gc=False):
    """Of something that cannot be decoded: at least its id, if it has one."""

    id: str = ""


app_decoder = msgspec.json.Decoder(App)
task_decoder = msgspec.json.Decoder(Task)
_named_decoder = msgspec.json.Decoder(Named)


def id_of(raw: msgspec.Raw) -> str:
    """The id of an app or a task that cannot be decoded, "" where that cannot be found either."""
    try:
        return _named_decoder.decode(raw).id
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
