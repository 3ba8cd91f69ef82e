"""Pods as apps: each endpoint is a port, each instance a task. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from milepost.errors import SourceError
from milepost.model.problem import Problem
from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, NetworkMode, Task
from milepost.model.source_name import prefix_of
from milepost.sources.addresses import literal
from milepost.sources.marathon import pod_wire, wire
from milepost.sources.marathon.answer import Answer
from milepost.sources.marathon.translate import absolute_id, is_host, texts

_MODES = {mode.value: mode for mode in NetworkMode}
_LABEL = re.compile(r"HAPROXY_(?:[0-9]+_)?(?P<name>[A-Z].*)")
_STATES = {"PENDING": "TASK_STAGING", "STAGING": "TASK_STAGING", "TERMINAL": "TASK_FINISHED"}
_pods_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def read_pods_answer(body: bytes, prefix: str = "") -> Answer:
    """The answer to `GET /v2/pods/::status`; `prefix` comes before the ids. Raises SourceError if it is no list."""
    try:
        raws = _pods_decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SourceError(f"no answer of Marathon about pods: {error}") from error
    return _answer_of(raws, prefix)


def read_pod_answer(body: bytes, app_id: str) -> Answer:
    """The answer to a question for the pod that we know as `app_id`. Raises SourceError if it is about another."""
    answer = _answer_of([msgspec.Raw(body)], prefix_of(app_id))
    if answer.apps and app_id not in answer.apps:
        raise SourceError(f"asked for {app_id}, but the answer is about {next(iter(answer.apps))}")
    return answer


def _answer_of(raws: Iterable[msgspec.Raw], prefix: str) -> Answer:
    apps: dict[str, App] = {}
    unreadable: list[Problem] = []
    for raw in raws:
        try:
            app = pod_as_app(pod_wire.pod_decoder.decode(raw), prefix)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            found = wire.id_of(raw)
            unreadable.append(Problem(prefix + absolute_id(found) if found else "", "pod", f"cannot be read: {error}"))
        else:
            apps[app.id] = app
    return Answer(apps, tuple(unreadable))


def pod_as_app(pod: pod_wire.Pod, prefix: str = "") -> App:
    """The pod as an app. Its ports have no service port: a label gives one, or the balancer does.

    A label of an endpoint concerns that endpoint alone, whatever index it is written with, and beats the pod's.
    """
    app_id, containers = prefix + absolute_id(pod.id), pod.spec.containers or ()
    endpoints = [endpoint for container in containers for endpoint in container.endpoints or ()]
    labels, problems = texts(app_id, pod.spec.labels or {})
    for index, endpoint in enumerate(endpoints):
        named, odd = texts(app_id, _indexed(endpoint.labels or {}, index))
        labels, problems = labels | named, problems + odd
    network = _network(pod.spec)
    tasks: list[Task] = []
    for raw in pod.instances or ():
        try:
            instance = pod_wire.instance_decoder.decode(raw)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            problems.append(Problem(app_id, f"task {wire.id_of(raw)}".rstrip(), f"cannot be read, left out: {error}"))
            continue
        tasks.append(_task(instance, containers, endpoints, network))
    definition = AppDefinition(
        id=app_id,
        labels=labels,
        network=network,
        ports=tuple(_port(position, endpoint) for position, endpoint in enumerate(endpoints)),
        health_checks=tuple(_checks(containers, [endpoint.name for endpoint in endpoints])),
        is_pod=True,
    )
    instances = (pod.spec.scaling and pod.spec.scaling.instances) or 0
    return App(definition, tuple(tasks), instances, pod.spec.version or "", tuple(problems))


def _indexed(labels: Mapping[str, Any], index: int) -> dict[str, Any]:
    found = ((_LABEL.fullmatch(name), value) for name, value in labels.items())
    return {f"HAPROXY_{index}_{match['name']}": value for match, value in found if match}


def _network(spec: pod_wire.Spec) -> NetworkMode:
    modes = [
        _MODES.get(network.mode or NetworkMode.CONTAINER, NetworkMode.CONTAINER) for network in spec.networks or ()
    ]
    return modes[0] if modes else NetworkMode.HOST


def _port(position: int, endpoint: pod_wire.Endpoint) -> AppPort:
    words = (endpoint.protocol,) if isinstance(endpoint.protocol, str) else endpoint.protocol or ()
    protocol = "udp" if words and all(word == "udp" for word in words) else "tcp"
    return AppPort(None, position, protocol, endpoint.name, endpoint.container_port or 0)


def _checks(containers: Iterable[pod_wire.Container], names: list[str]) -> Iterator[HealthCheck]:
    for container in containers:
        check, default = container.health_check, HealthCheck()
        if check is None:
            continue
        protocol = "HTTP" if check.http else "TCP" if check.tcp else "COMMAND"
        if check.http and (check.http.scheme or "").upper() == "HTTPS":
            protocol = "HTTPS"
        endpoint = check.http.endpoint if check.http else check.tcp.endpoint if check.tcp else None
        yield HealthCheck(
            protocol=protocol,
            path=(check.http and check.http.path) or default.path,
            port_index=names.index(endpoint) if endpoint in names else None,
            interval_s=_or(check.interval_seconds, default.interval_s),
            timeout_s=_or(check.timeout_seconds, default.timeout_s),
            grace_period_s=_or(check.grace_period_seconds, default.grace_period_s),
            max_consecutive_failures=_or(check.max_consecutive_failures, default.max_consecutive_failures),
        )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _task(
    instance: pod_wire.Instance,
    containers: Iterable[pod_wire.Container],
    endpoints: Iterable[pod_wire.Endpoint],
    network: NetworkMode,
) -> Task:
    host = instance.agent_hostname or ""
    statuses = {status.name: status for status in instance.containers or ()}
    allocated = {at.name: at.allocated_host_port for status in statuses.values() for at in status.endpoints or ()}
    is_own = network is NetworkMode.CONTAINER
    own = next((address for at in instance.networks or () for address in at.addresses or ()), "")
    ports = ((endpoint.container_port if is_own else allocated.get(endpoint.name)) or 0 for endpoint in endpoints)
    address = own if is_own else host
    return Task(
        id=instance.id,
        host=host,
        address=literal(address) if address and is_host(host) else None,
        ports=tuple(ports),
        state=_state(instance, [statuses.get(container.name) for container in containers if container.endpoints]),
        health=_health([statuses.get(container.name) for container in containers if container.health_check]),
    )


def _state(instance: pod_wire.Instance, serving: Iterable[pod_wire.ContainerStatus | None]) -> str:
    """The state of the first of its serving containers that does not run, else that they do."""
    if instance.status in _STATES:
        return _STATES[instance.status]
    states = (status.status or "TASK_STAGING" if status else "TASK_STAGING" for status in serving)
    return next((state for state in states if state != "TASK_RUNNING"), "TASK_RUNNING")


def _health(checked: list[pod_wire.ContainerStatus | None]) -> tuple[bool, ...] | None:
    """One flag: whether all containers with a check are well. None where there is no check, () while none has run."""
    if not checked:
        return None
    flags = [flag for status in checked for flag in _flags(status)]
    return (all(flags),) if flags else ()


def _flags(status: pod_wire.ContainerStatus | None) -> Iterator[bool]:
    for condition in (status and status.conditions) or ():
        if condition.name == "healthy" and condition.value in ("true", "false"):
            yield condition.value == "true"
    for endpoint in (status and status.endpoints) or ():
        if endpoint.healthy is not None:
            yield endpoint.healthy
