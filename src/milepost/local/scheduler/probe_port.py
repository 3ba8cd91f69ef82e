"""Where health and readiness checks knock (marathon-api 5.5, 5.6)."""

from msgspec import UnsetType

from milepost.local.apps.definition import HealthCheck
from milepost.local.apps.readiness import ReadinessCheck
from milepost.local.scheduler.cluster import Instance


def probe_port(instance: Instance, check: HealthCheck) -> int | None:
    """The port of a check that needs one: its own `port`, else the host port at its index. None for COMMAND."""
    if check.protocol == "COMMAND":
        return None
    if not isinstance(check.port, UnsetType):
        return check.port
    return port_at(instance, check.port_index or 0)


def readiness_port(instance: Instance, check: ReadinessCheck) -> int:
    """The port of that name."""
    return port_at(instance, instance.definition.port_names.index(check.port_name))


def port_at(instance: Instance, index: int) -> int:
    """Where the app's port number `index` answers.

    A mapping without a host port has no entry in the instance's ports; its container port counts then.
    """
    mappings = instance.definition.mappings
    if mappings is None:
        return instance.ports[index]
    if isinstance(mappings[index].host_port, UnsetType):
        return mappings[index].container_port
    before = sum(not isinstance(mapping.host_port, UnsetType) for mapping in mappings[:index])
    return instance.ports[before]
