"""The environment of a task (marathon-api 9.6)."""

import re
from collections.abc import Iterator, Sequence

from msgspec import UnsetType

from milepost.local.apps.definition import Definition

MAX_KEY, MAX_VALUE = 493, 512  # labels this long or longer do not become variables, nor those with NUL


def environment(app: Definition, task_id: str, node: str, ports: Sequence[int]) -> dict[str, str]:
    """What the scheduler and the app's own `env` set; the latter wins. Secrets are not resolved and left out."""
    variables = {
        "MESOS_TASK_ID": task_id,
        "MARATHON_APP_ID": app.id,
        "MARATHON_APP_VERSION": app.version,
        "MARATHON_APP_RESOURCE_CPUS": str(float(app.cpus)),
        "MARATHON_APP_RESOURCE_MEM": str(float(app.mem)),
        "MARATHON_APP_RESOURCE_DISK": str(float(app.disk)),
        "MARATHON_APP_RESOURCE_GPUS": str(app.gpus),
        "HOST": node,
    }
    if app.image:
        variables["MARATHON_APP_DOCKER_IMAGE"] = app.image
    variables.update(_labels(app))
    variables.update(_ports(app, ports))
    given = app.env or {}
    variables.update({name: value for name, value in given.items() if isinstance(value, str)})
    return variables


def _labels(app: Definition) -> Iterator[tuple[str, str]]:
    names = []
    for key, value in app.labels.items():
        if len(key) < MAX_KEY and len(value) < MAX_VALUE and "\0" not in value:
            name = re.sub(r"[^A-Za-z0-9_]+", "_", key).upper()
            names.append(name)
            yield f"MARATHON_APP_LABEL_{name}", value
    yield "MARATHON_APP_LABELS", " ".join(names)


def _ports(app: Definition, ports: Sequence[int]) -> Iterator[tuple[str, str]]:
    """PORT, PORTS, PORT0 ..., PORT_<asked number>, PORT_<NAME>."""
    if ports:
        yield "PORT", str(ports[0])
        yield "PORTS", ",".join(map(str, ports))
    for index, (asked, name, effective) in enumerate(_effective(app, ports)):
        yield f"PORT{index}", str(effective)
        yield f"PORT_{asked or effective}", str(effective)
        if name:
            yield f"PORT_{name.upper()}", str(effective)


def _effective(app: Definition, ports: Sequence[int]) -> Iterator[tuple[int, str, int]]:
    """(number asked for, name, port in effect) of each port; without a host port the container's own counts."""
    host_ports = iter(ports)
    if app.mappings is None:
        for each in app.port_definitions or ():
            yield each.port, each.name or "", next(host_ports)
        return
    for mapping in app.mappings:
        on_host = not isinstance(mapping.host_port, UnsetType)
        yield mapping.container_port, mapping.name or "", next(host_ports) if on_host else mapping.container_port
