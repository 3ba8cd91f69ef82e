"""An app as the scheduler keeps it: Marathon's canonical form (marathon-api 4 and 5), complete with defaults.

The structs are both the typed form that the scheduler reads and the JSON that the API writes. UNSET members are left
out on output. What nothing here acts on (secrets, residency, ...) is kept and given back as it came.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field, structs, to_builtins

from milepost.local.apps.readiness import ReadinessCheck


class HealthCheck(Struct, frozen=True, kw_only=True, rename="camel"):
    """Times in seconds. `port` beats `port_index`; both are UNSET only for COMMAND and for apps without ports."""

    grace_period_seconds: int = 300
    interval_seconds: int = 60
    timeout_seconds: int = 20
    max_consecutive_failures: int = 3
    delay_seconds: int = 15
    protocol: str = "HTTP"
    ip_protocol: str = "IPv4"
    path: str | UnsetType = UNSET
    port_index: int | UnsetType = UNSET
    port: int | UnsetType = UNSET
    ignore_http1xx: bool | UnsetType = field(default=UNSET, name="ignoreHttp1xx")
    command: dict[str, str] | UnsetType = UNSET

    @property
    def by_executor(self) -> bool:
        """Run beside the task in a real cluster: killed at failure number max, not max + 1 (marathon-api 5.5)."""
        return self.protocol == "COMMAND" or self.protocol.startswith("MESOS_")


class PortMapping(Struct, frozen=True, kw_only=True, rename="camel"):
    """A container's port. `host_port` 0 asks for any, UNSET for none; `service_port` 0 asks for any."""

    container_port: int = 0
    host_port: int | UnsetType = UNSET
    service_port: int = 0
    protocol: str = "tcp"
    labels: dict[str, str] = {}
    name: str | UnsetType = UNSET
    network_names: tuple[str, ...] | UnsetType = UNSET


class PortDefinition(Struct, frozen=True, kw_only=True, rename="camel"):
    """A port of a host-network app: its service port, and with `requirePorts` its host port too."""

    port: int = 0
    protocol: str = "tcp"
    name: str | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET


class Docker(Struct, frozen=True, kw_only=True, rename="camel"):
    image: str
    force_pull_image: bool = False
    parameters: tuple[dict[str, str], ...] = ()
    privileged: bool = False
    pull_config: dict[str, Any] | UnsetType = UNSET
    credential: dict[str, Any] | UnsetType = UNSET


class Container(Struct, frozen=True, kw_only=True, rename="camel"):
    type: str = "DOCKER"
    volumes: tuple[dict[str, Any], ...] = ()
    docker: Docker | UnsetType = UNSET
    linux_info: dict[str, Any] | UnsetType = UNSET
    port_mappings: tuple[PortMapping, ...] | UnsetType = UNSET


class Network(Struct, frozen=True, kw_only=True, rename="camel"):
    mode: str = "container"
    name: str | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET


class Fetch(Struct, frozen=True, kw_only=True, rename="camel"):
    """A file that a task would be given in its sandbox."""

    uri: str
    extract: bool = True
    executable: bool = False
    cache: bool = False
    dest_path: str | UnsetType = UNSET


class UpgradeStrategy(Struct, frozen=True, kw_only=True, rename="camel"):
    """Both are shares of `instances`, 0 to 1."""

    minimum_health_capacity: float = 1.0
    maximum_over_capacity: float = 1.0


class VersionInfo(Struct, frozen=True, rename="camel"):
    last_scaling_at: str
    last_config_change_at: str


class Definition(Struct, frozen=True, kw_only=True, rename="camel"):
    """One version of an app."""

    id: str
    cmd: str | UnsetType = UNSET
    args: tuple[str, ...] | UnsetType = UNSET
    instances: int = 1
    cpus: float = 1.0
    mem: float = 128.0
    disk: float = 0.0
    gpus: int = 0
    env: dict[str, Any] | UnsetType = UNSET
    labels: dict[str, str] = {}
    container: Container | UnsetType = UNSET
    networks: tuple[Network, ...] = ()
    ports: tuple[int, ...] | UnsetType = UNSET
    port_definitions: tuple[PortDefinition, ...] | UnsetType = UNSET
    require_ports: bool = False
    health_checks: tuple[HealthCheck, ...] | UnsetType = UNSET
    readiness_checks: tuple[ReadinessCheck, ...] | UnsetType = UNSET
    check: dict[str, Any] | UnsetType = UNSET
    constraints: tuple[tuple[str, ...], ...] | UnsetType = UNSET
    dependencies: tuple[str, ...] | UnsetType = UNSET
    upgrade_strategy: UpgradeStrategy = UpgradeStrategy()
    backoff_seconds: float = 1
    backoff_factor: float = 1.15
    max_launch_delay_seconds: float = 300
    task_kill_grace_period_seconds: float | UnsetType = UNSET
    kill_selection: str = "YOUNGEST_FIRST"
    unreachable_strategy: Any = field(default_factory=lambda: {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0})
    fetch: tuple[Fetch, ...] | UnsetType = UNSET
    user: str | UnsetType = UNSET
    executor: str = ""
    accepted_resource_roles: tuple[str, ...] | UnsetType = UNSET
    secrets: dict[str, Any] | UnsetType = UNSET
    residency: dict[str, Any] | UnsetType = UNSET
    tty: bool | UnsetType = UNSET
    version: str = ""
    version_info: VersionInfo | UnsetType = UNSET

    @property
    def image(self) -> str:
        """The Docker image, "" without one."""
        return self.container.docker.image if self.container and self.container.docker else ""

    @property
    def checks(self) -> tuple[HealthCheck, ...]:
        return self.health_checks or ()

    @property
    def readiness_check(self) -> ReadinessCheck | None:
        """There is at most one (marathon-api 4.3); none where it names no port, as an app from an old file may."""
        return next((each for each in self.readiness_checks or () if each.port_name in self.port_names), None)

    @property
    def mappings(self) -> tuple[PortMapping, ...] | None:
        """The container's ports, None where the app has none of that kind (host networking)."""
        if self.on_host_network or not self.container or isinstance(self.container.port_mappings, UnsetType):
            return None
        return self.container.port_mappings

    @property
    def on_host_network(self) -> bool:
        return all(network.mode == "host" for network in self.networks)

    @property
    def service_ports(self) -> tuple[int, ...]:
        """In order; 0 while not yet assigned (marathon-api 5.2)."""
        if self.mappings is not None:
            return tuple(mapping.service_port for mapping in self.mappings)
        return tuple(each.port for each in self.port_definitions or ())

    @property
    def port_names(self) -> tuple[str | UnsetType, ...]:
        """In the order of the service ports; UNSET for those without a name."""
        ports = (self.port_definitions or ()) if self.mappings is None else self.mappings
        return tuple(each.name for each in ports)

    @property
    def config_version(self) -> str:
        """Tasks of equal config version run the same thing: only the number of instances may differ."""
        return self.version_info.last_config_change_at if self.version_info else self.version

    @property
    def kill_grace_s(self) -> float:
        """Seconds between SIGTERM and SIGKILL; 3 where the app says nothing (marathon-api 9.5)."""
        given = self.task_kill_grace_period_seconds
        return 3.0 if isinstance(given, UnsetType) else given

    def with_service_ports(self, ports: tuple[int, ...]) -> "Definition":
        """The same with these service ports, in order; `ports` of the old API shape goes along (marathon-api 1.1)."""
        shown = ports or UNSET
        if self.mappings is not None and self.container:
            mappings = tuple(
                structs.replace(mapping, service_port=port) for mapping, port in zip(self.mappings, ports, strict=True)
            )
            return structs.replace(self, container=structs.replace(self.container, port_mappings=mappings), ports=shown)
        if isinstance(self.port_definitions, UnsetType):
            return self
        numbered = tuple(structs.replace(e, port=p) for e, p in zip(self.port_definitions, ports, strict=True))
        return structs.replace(self, port_definitions=numbered, ports=shown)

    def document(self) -> dict[str, Any]:
        """As the API writes it, without status."""
        written: dict[str, Any] = to_builtins(self)
        return written


def is_same(one: Definition, other: Definition, *, but_instances: bool = False) -> bool:
    """Whether the two ask for the same thing, whatever their versions say; `but_instances` looks past the number."""
    plain = structs.replace(one, version=other.version, version_info=other.version_info)
    return (structs.replace(plain, instances=other.instances) if but_instances else plain) == other
