"""From a task to the container that the engine is asked for, as Mesos asks for it. Pure."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from msgspec import UnsetType

from milepost.local.apps.definition import Definition
from milepost.local.runtimes.docker import parameters
from milepost.local.runtimes.program import NotRunnable
from milepost.local.scheduler.effects import LaunchTask

SANDBOX = "/mnt/mesos/sandbox"  # where a task finds its folder inside its container
SHARES_OF_A_CPU, LEAST_SHARES = 1024, 2
LEAST_MEMORY_MIB = 32
MIB = 1 << 20


def container_name(task_id: str) -> str:
    return f"milepost-{task_id}"


def container(launch: LaunchTask, sandbox: Path, labels: Mapping[str, str]) -> dict[str, Any]:
    """The body of the engine's call. Raises NotRunnable for what cannot be had here, naming it.

    CPUs are shares and memory is a limit, each with Mesos' least value. `labels` are milepost's own.
    """
    app = launch.definition
    docker = app.container.docker if app.container else None
    if not docker:
        raise NotRunnable("the app has no image")
    ports = dict(_ports(launch))
    body: dict[str, Any] = {
        "Image": docker.image,
        "Env": [f"{name}={value}" for name, value in _environment(launch).items()],
        "Labels": dict(labels),
        "ExposedPorts": {port: {} for port in ports},
        "Tty": app.tty is True,
        "HostConfig": {
            "NetworkMode": network(app),
            "PortBindings": {port: bindings for port, bindings in ports.items() if bindings},
            "Binds": [f"{sandbox}:{SANDBOX}", *_volumes(app, sandbox)],
            "CpuShares": max(int(app.cpus * SHARES_OF_A_CPU), LEAST_SHARES),
            "Memory": max(math.ceil(app.mem), LEAST_MEMORY_MIB) * MIB,
            "Privileged": docker.privileged,
        },
        **_command(app),
    }
    parameters.apply(body, docker.parameters)
    return body


def network(app: Definition) -> str:
    """The name of the container's network, as the engine has it."""
    if app.on_host_network:
        return "host"
    named = next((each.name for each in app.networks if each.mode == "container" and each.name), None)
    return named or "bridge"


def _command(app: Definition) -> dict[str, Any]:
    """A cmd goes to a shell in place of the image's entrypoint; args go to the entrypoint in place of its own."""
    if app.cmd:
        return {"Entrypoint": ["/bin/sh"], "Cmd": ["-c", app.cmd]}
    return {"Cmd": list(app.args)} if app.args else {}


def _environment(launch: LaunchTask) -> dict[str, str]:
    place = {"MESOS_SANDBOX": SANDBOX, "MESOS_CONTAINER_NAME": container_name(launch.task_id)}
    return {**place, **launch.environment}


def _ports(launch: LaunchTask) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """(port/protocol, bindings) of each of the container's ports. Container port 0 is the host port's number."""
    host_ports = iter(launch.ports)
    bound: dict[str, list[dict[str, str]]] = {}
    for mapping in launch.definition.mappings or ():
        host_port = None if isinstance(mapping.host_port, UnsetType) else next(host_ports)
        number = mapping.container_port or host_port
        if number is None:
            continue  # neither side has a number: there is nothing to reach it by
        for protocol in mapping.protocol.split(","):
            bindings = bound.setdefault(f"{number}/{protocol}", [])
            if host_port is not None:
                bindings.append({"HostIp": launch.node, "HostPort": str(host_port)})
    yield from bound.items()


def _volumes(app: Definition, sandbox: Path) -> Iterator[str]:
    """As `docker run --volume` takes them. A path that is not absolute lies in the sandbox, on either side."""
    for volume in app.container.volumes if app.container else ():
        path, mode = str(volume.get("containerPath", "")), str(volume.get("mode", "RW")).lower()
        if "secret" in volume:
            raise NotRunnable(f"volume {path} is a secret: there are none here")
        inside, outside = str(PurePosixPath(SANDBOX, path)), _outside(volume, path, sandbox)
        yield f"{outside}:{inside}:{mode}" if outside else inside


def _outside(volume: Mapping[str, Any], path: str, sandbox: Path) -> str:
    """The side of the volume that is not in the container: a folder, or the name of one of the engine's volumes; ""
    for one without a name. A persistent volume lasts as long as its task."""
    external = volume.get("external")
    if isinstance(external, Mapping):
        return str(external.get("name", ""))
    if volume.get("hostPath"):
        return str(sandbox / str(volume["hostPath"]))
    return "" if path.startswith("/") and "persistent" not in volume else str(sandbox / path.lstrip("/"))
