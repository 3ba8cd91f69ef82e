"""From Marathon's words to ours: networks, service ports, tasks (marathon-lb-behaviour.md 9.2 to 9.5). Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from milepost.model.problem import Problem, Severity
from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, NetworkMode, Task
from milepost.sources.addresses import is_dns_name, literal
from milepost.sources.marathon import wire
from milepost.sources.marathon.overlay import is_of

_MODES = {mode.value: mode for mode in NetworkMode}
_STARTING = ("TASK_STAGING", "TASK_STARTING")  # the ports of such a task are not given yet where it has none
_DOCKER_NETWORKS = {"BRIDGE": NetworkMode.BRIDGE, "USER": NetworkMode.CONTAINER}


def app_from_wire(app: wire.App, prefix: str = "") -> App:
    """The app in our nouns, with a Problem for each label and task that cannot be read. `prefix` comes before its id.

    Raises ValueError (of which msgspec's errors are) where what decides about the whole app cannot be read.
    """
    app_id = prefix + absolute_id(app.id)
    if app_id == prefix + "/":
        raise ValueError("expected an id like /web")
    network = _network(app)
    labels, problems = texts(app_id, app.labels or {})
    fallback_ports = _fallback_ports(app, network)
    tasks: list[Task] = []
    for raw in app.tasks or ():
        try:
            task = wire.task_decoder.decode(raw)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            problems.append(Problem(app_id, f"task {wire.id_of(raw)}".rstrip(), f"cannot be read, left out: {error}"))
            continue
        tasks.append(_task(task, network, fallback_ports, app.readiness_check_results or ()))
        problems.extend(_host_problems(app_id, task, tasks[-1], network))
    definition = AppDefinition(
        id=app_id,
        labels=labels,
        network=network,
        ports=_service_ports(app, network, fallback_ports),
        health_checks=tuple(_health_check(check) for check in app.health_checks or ()),
    )
    scaled_at = app.version_info.last_scaling_at if app.version_info else None
    return App(
        definition,
        tuple(tasks),
        app.instances or 0,
        app.version or "",
        tuple(problems),
        scaled_at if isinstance(scaled_at, str) else "",
        is_deploying=bool(app.readiness_checks and app.deployments),
    )


def absolute_id(app_id: str) -> str:
    """`/shop/web`, however many slashes it was written with (marathon-api.md 2 and 3)."""
    return "/" + "/".join(part for part in app_id.split("/") if part)


def texts(app_id: str, labels: Mapping[str, Any]) -> tuple[dict[str, str], list[Problem]]:
    """The labels that are strings; null counts as absent, anything else is a Problem of that label only."""
    texts = {name: value for name, value in labels.items() if isinstance(value, str)}
    problems = [
        Problem(app_id, name, f"expected a string, got a value of type {type(value).__name__}")
        for name, value in labels.items()
        if value is not None and name not in texts
    ]
    return texts, problems


def _network(app: wire.App) -> NetworkMode:
    """Later generations override earlier ones (marathon-lb-behaviour.md 9.2)."""
    mode = NetworkMode.HOST
    if any(value is not None for value in (app.ip_address or {}).values()):
        mode = NetworkMode.CONTAINER
    if app.container and app.container.docker:
        mode = _DOCKER_NETWORKS.get(app.container.docker.network or "", mode)
    for network in app.networks or ():
        if network is not None:
            mode = _MODES.get(network.mode or NetworkMode.CONTAINER, mode)
    return mode


def _mappings(app: wire.App) -> tuple[wire.PortMapping, ...]:
    if app.container is None:
        return ()
    docker = app.container.docker
    return (docker and docker.port_mappings) or app.container.port_mappings or ()


def _service_ports(app: wire.App, network: NetworkMode, task_ports: tuple[int, ...]) -> tuple[AppPort, ...]:
    """The ports that ask for traffic, in the order of their labels (marathon-lb-behaviour.md 9.3).

    A mapping without service port has no index, but keeps its place among the task's ports (its Q15).
    """
    found = tuple(_listed_ports(app, network))
    if not found and network is NetworkMode.CONTAINER:
        return tuple(AppPort(None, position, number=number) for position, number in enumerate(task_ports))
    return found


def _listed_ports(app: wire.App, network: NetworkMode) -> Iterator[AppPort]:
    mappings = () if network is NetworkMode.HOST else _mappings(app)
    if any(mapping.service_port is not None for mapping in mappings):
        for position, mapping in enumerate(mappings):
            if mapping.service_port is not None:
                protocol, number = mapping.protocol or "tcp", mapping.container_port or 0
                yield AppPort(mapping.service_port, position, protocol, mapping.name or "", number)
    elif app.port_definitions is not None:
        for position, port in enumerate(app.port_definitions):
            yield AppPort(port.port or 0, position, port.protocol or "tcp", port.name or "")
    else:
        yield from (AppPort(port, position) for position, port in enumerate(app.ports or ()))


def _fallback_ports(app: wire.App, network: NetworkMode) -> tuple[int, ...]:
    """A task's ports as far as the definition gives them (marathon-lb-behaviour.md 9.5); 0 where one has no number."""
    containers = tuple(mapping.container_port or 0 for mapping in _mappings(app))
    definitions = tuple(port.port or 0 for port in app.port_definitions or ())
    match network:
        case NetworkMode.HOST:
            return definitions
        case NetworkMode.BRIDGE:
            return definitions or containers
        case NetworkMode.CONTAINER:
            discovery = msgspec.convert((app.ip_address or {}).get("discovery"), wire.Discovery | None)
            return tuple(port.number or 0 for port in (discovery and discovery.ports) or ()) or containers


def _task(
    task: wire.Task,
    network: NetworkMode,
    fallback_ports: tuple[int, ...],
    readiness: Iterable[wire.ReadinessResult | None],
) -> Task:
    host = task.host or ""
    is_own = network is NetworkMode.CONTAINER
    first = next(iter(task.ip_addresses or ()), None)
    at = (first.ip_address if first else None) if is_own else host
    results = task.health_check_results
    return Task(
        id=task.id,
        host=host,
        address=literal(at) if at and is_host(host) else None,
        ports=fallback_ports if is_own else task.ports or (() if task.state in _STARTING else fallback_ports),
        state=task.state or "",
        health=None if results is None else tuple(bool(result and result.alive) for result in results),
        version=task.version or "",
        staged_at=task.staged_at if isinstance(task.staged_at, str) else "",
        is_ready=_is_ready(task.id, readiness),
    )


def _is_ready(task_id: str, results: Iterable[wire.ReadinessResult | None]) -> bool | None:
    """What the results say of the task, None where they do not speak of it."""
    of_task = [one for one in results if one and isinstance(one.task_id, str) and is_of(task_id, one.task_id)]
    return all(one.ready is True for one in of_task) if of_task else None


def is_host(text: str) -> bool:
    """Whether `text` can be an agent's; "" is no answer rather than a wrong one."""
    return not text or literal(text) is not None or is_dns_name(text)


def _host_problems(app_id: str, task: wire.Task, read: Task, network: NetworkMode) -> Iterator[Problem]:
    subject = f"task {task.id}"
    if task.host is None:
        yield Problem(app_id, subject, "has no host", Severity.WARNING)
    elif not is_host(task.host):
        yield Problem(app_id, subject, f"expected an IP address or a DNS name as host, got {task.host!r}")
    elif network is NetworkMode.CONTAINER and task.ip_addresses and read.address is None:
        got = task.ip_addresses[0].ip_address
        yield Problem(app_id, subject, f"expected an IP address in ipAddresses, got {got!r}")


def _health_check(check: wire.HealthCheck) -> HealthCheck:
    """With Marathon's defaults (marathon-api.md 5.5) for what an answer leaves out."""
    default = HealthCheck()
    return HealthCheck(
        protocol=check.protocol or default.protocol,
        path=check.path or default.path,
        port=check.port or None,
        port_index=check.port_index,
        interval_s=_or(check.interval_seconds, default.interval_s),
        timeout_s=_or(check.timeout_seconds, default.timeout_s),
        grace_period_s=_or(check.grace_period_seconds, default.grace_period_s),
        max_consecutive_failures=_or(check.max_consecutive_failures, default.max_consecutive_failures),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
