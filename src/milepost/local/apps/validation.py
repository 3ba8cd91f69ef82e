"""The rules an app must keep, in Marathon's words (marathon-api 4.3). One small function a subject."""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import UnsetType

from milepost.local.apps import app_id as ids
from milepost.local.apps.constraints import constraint_violations
from milepost.local.apps.definition import Definition, HealthCheck, PortDefinition, PortMapping
from milepost.local.apps.readiness import readiness_violations
from milepost.local.apps.refusal import Violation
from milepost.local.apps.unreachable import unreachable_violations

PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
PROTOCOLS = frozenset({"tcp", "udp", "udp,tcp"})
CHECK_PROTOCOLS = frozenset({"HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"})
IP_PROTOCOLS = ("IPv4", "IPv6")
KILL_SELECTIONS = ("YOUNGEST_FIRST", "OLDEST_FIRST")
MAX_INT = 2**31 - 1  # seconds, and whatever else has no limit of its own
MAX_INSTANCES = 10_000  # of all apps together: they run on one machine
SINGLE_INSTANCE = "MARATHON_SINGLE_INSTANCE_APP"


def violations(app: Definition) -> list[Violation]:
    """All rules that `app` breaks, as (place, text)."""
    own = (_identity, _numbers, _texts, _words, _command, _container, _networks, _ports, _checks, _upgrade)
    rules = (*own, _single_instance, readiness_violations, constraint_violations, unreachable_violations)
    return [violation for rule in rules for violation in rule(app)]


def _identity(app: Definition) -> Iterator[Violation]:
    problem = ids.problem(app.id)
    if problem:
        yield "/id", problem


def _numbers(app: Definition) -> Iterator[Violation]:
    ranges = (
        ("/instances", app.instances, 0, MAX_INSTANCES),
        ("/cpus", app.cpus, 0, MAX_INT),
        ("/mem", app.mem, 0, MAX_INT),
        ("/disk", app.disk, 0, MAX_INT),
        ("/gpus", app.gpus, 0, MAX_INT),
        ("/backoffSeconds", app.backoff_seconds, 0, MAX_INT),
        ("/backoffFactor", app.backoff_factor, 1, MAX_INT),
        ("/maxLaunchDelaySeconds", app.max_launch_delay_seconds, 0, MAX_INT),
        ("/taskKillGracePeriodSeconds", app.kill_grace_s, 0, MAX_INT),
    )
    return out_of_range(ranges)


def out_of_range(ranges: Iterable[tuple[str, float, float, float]]) -> Iterator[Violation]:
    """Of (place, value, least, greatest), those whose value is neither nor between."""
    for path, value, minimum, maximum in ranges:
        if value < minimum:
            yield path, f"got {value}, expected {minimum} or more"
        elif value > maximum:
            yield path, f"got {value}, expected {maximum} or less"


def _texts(app: Definition) -> Iterator[Violation]:
    """What no process of this machine can be given."""
    texts = [("/cmd", app.cmd or ""), *((f"/args({index})", each) for index, each in enumerate(app.args or ()))]
    for name, value in (app.env or {}).items():
        if not name or "=" in name or "\0" in name:
            yield "/env", f"'{name}' cannot be the name of a variable"
        texts.append((f"/env({name})", value if isinstance(value, str) else ""))
    for place, text in texts:
        if "\0" in text:
            yield place, "must not contain the character NUL"


def _words(app: Definition) -> Iterator[Violation]:
    if app.kill_selection not in KILL_SELECTIONS:
        yield "/killSelection", f"must be one of {', '.join(KILL_SELECTIONS)}"
    if app.accepted_resource_roles == ():
        yield "/acceptedResourceRoles", "must not be empty"


def _command(app: Definition) -> Iterator[Violation]:
    has_cmd, has_args = bool(app.cmd), bool(app.args)
    runs_by_itself = bool(app.image) or bool(app.container and app.container.type == "MESOS")
    if (has_cmd and has_args) or not (has_cmd or has_args or runs_by_itself):
        yield "/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."


def _container(app: Definition) -> Iterator[Violation]:
    if not app.container:
        return
    if app.container.type not in ("DOCKER", "MESOS"):
        yield "/container/type", "must be one of DOCKER, MESOS"
    if app.container.type == "DOCKER" and isinstance(app.container.docker, UnsetType):
        yield "/container/docker", "not defined"
    elif app.container.docker and not app.image:
        yield "/container/docker/image", "must not be empty"


def _networks(app: Definition) -> Iterator[Violation]:
    modes = [network.mode for network in app.networks]
    for index, mode in enumerate(modes):
        if mode not in ("host", "container", "container/bridge"):
            yield f"/networks({index})/mode", "must be one of host, container, container/bridge"
    if len(set(modes)) > 1 or (modes[0] != "container" and len(modes) > 1):
        yield "/networks", "must contain only one host or bridge network, or only container networks"
    for network in app.networks:
        if network.mode == "container" and not network.name:
            yield "/networks", "Network name must be specified when container network is selected."
        if network.mode != "container" and (network.name or (network.mode == "host" and network.labels)):
            yield "/networks", f"a network of mode {network.mode} takes no name, and one of the host no labels"
    if app.image and modes.count("container") > 1:
        yield "/networks", "Docker containers can join at most one container network"


def _ports(app: Definition) -> Iterator[Violation]:
    definitions: tuple[PortDefinition, ...] = app.port_definitions or ()
    mappings: tuple[PortMapping, ...] = app.mappings or ()
    ports: tuple[PortDefinition | PortMapping, ...] = (*definitions, *mappings)
    where = "/container/portMappings" if app.mappings is not None else "/portDefinitions"
    names = [each.name for each in ports if each.name]
    numbers = [each.port for each in definitions if each.port]
    if _has_duplicates(names):
        yield where, "Port names must be unique."
    if _has_duplicates(numbers):
        yield where, "Ports must be unique."
    for index, each in enumerate(ports):
        if each.name and not PORT_NAME.fullmatch(each.name):
            yield f"{where}({index})/name", f"must fully match regular expression '^{PORT_NAME.pattern}$'"
        if each.protocol not in PROTOCOLS:
            yield f"{where}({index})/protocol", "must be one of tcp, udp, udp,tcp"
    for number in (*app.service_ports, *(m.host_port or 0 for m in mappings), *(m.container_port for m in mappings)):
        if not 0 <= number <= 65535:
            yield where, f"got {number}, expected between 0 and 65535"


def _has_duplicates(values: Sequence[object]) -> bool:
    return len(set(values)) < len(values)


def _checks(app: Definition) -> Iterator[Violation]:
    for index, check in enumerate(app.checks):
        yield from _check_numbers(f"/healthChecks({index})", check)
        if check.protocol not in CHECK_PROTOCOLS:
            yield f"/healthChecks({index})/protocol", f"must be one of {', '.join(sorted(CHECK_PROTOCOLS))}"
        elif check.protocol == "COMMAND" and not (check.command or {}).get("value"):
            yield f"/healthChecks({index})/command", "error.path.missing"
        elif not _has_port(app, check):
            text = "Health check port indices must address an element of the ports array or container port mappings."
            yield f"/healthChecks({index})", text
    if sum(check.by_executor for check in app.checks) > 1:
        yield "/", "AppDefinition can contain at most one Mesos health check"


def _check_numbers(place: str, check: HealthCheck) -> Iterator[Violation]:
    port = 0 if isinstance(check.port, UnsetType) else check.port
    ranges = (
        (f"{place}/gracePeriodSeconds", check.grace_period_seconds, 0, MAX_INT),
        (f"{place}/intervalSeconds", check.interval_seconds, 1, MAX_INT),
        (f"{place}/timeoutSeconds", check.timeout_seconds, 1, MAX_INT),
        (f"{place}/maxConsecutiveFailures", check.max_consecutive_failures, 0, MAX_INT),
        (f"{place}/delaySeconds", check.delay_seconds, 0, MAX_INT),
        (f"{place}/port", port, 0, 65_535),
    )
    yield from out_of_range(ranges)
    if "\0" in (check.command or {}).get("value", ""):
        yield f"{place}/command/value", "must not contain the character NUL"
    if check.ip_protocol not in IP_PROTOCOLS:
        yield f"{place}/ipProtocol", f"must be one of {', '.join(IP_PROTOCOLS)}"


def _has_port(app: Definition, check: HealthCheck) -> bool:
    if check.protocol == "COMMAND":
        return True
    if isinstance(check.port_index, UnsetType):
        return bool(check.port)
    return 0 <= check.port_index < len(app.service_ports)


def _upgrade(app: Definition) -> Iterator[Violation]:
    shares = {
        "minimumHealthCapacity": app.upgrade_strategy.minimum_health_capacity,
        "maximumOverCapacity": app.upgrade_strategy.maximum_over_capacity,
    }
    for name, share in shares.items():
        if not 0.0 <= share <= 1.0:
            yield f"/upgradeStrategy/{name}", f"got {share}, expected between 0.0 and 1.0"


def _single_instance(app: Definition) -> Iterator[Violation]:
    if app.labels.get(SINGLE_INSTANCE) != "true":
        return
    if app.instances > 1:
        yield "/instances", f"with the label {SINGLE_INSTANCE} there can be at most 1"
    if app.upgrade_strategy.minimum_health_capacity or app.upgrade_strategy.maximum_over_capacity:
        yield "/upgradeStrategy", f"with the label {SINGLE_INSTANCE} both shares must be 0"
