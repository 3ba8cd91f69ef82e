"""The flags of `docker run` that an app may give as `parameters`, and what each is in the engine's API."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from milepost.local.runtimes.program import NotRunnable

Body = dict[str, Any]  # what the engine is asked to create
Put = Callable[[Body, str], None]
UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def apply(body: Body, parameters: Sequence[Mapping[str, str]]) -> None:
    """Change `body` as the parameters say. Raises NotRunnable naming one that is unknown, refused or misspelt."""
    named = [(ALIASES.get(each.get("key", ""), each.get("key", "")), each) for each in parameters]
    for name, each in sorted(named, key=lambda pair: pair[0] != "network"):  # its aliases belong to the network
        key, value = str(each.get("key", "")), str(each.get("value", ""))
        if name in REFUSED:
            raise NotRunnable(f"docker parameter '{key}' is refused: {REFUSED[name]}")
        if name not in SUPPORTED:
            raise NotRunnable(f"docker parameter '{key}' is not supported; these are: {', '.join(sorted(SUPPORTED))}")
        try:
            SUPPORTED[name](body, value)
        except ValueError as error:
            raise NotRunnable(f"docker parameter '{key}' cannot be '{value}': {error}") from error


def size(text: str) -> int:
    """Bytes of "64m" and the like; -1 as it is."""
    number, unit = text.lower().removesuffix("b") or text, "b"
    if number[-1:] in UNITS:
        number, unit = number[:-1], number[-1]
    return int(float(number) * UNITS[unit]) if number != "-1" else -1


def flag(text: str) -> bool:
    """Whether the flag is set; "" sets it."""
    if text.lower() not in ("", "true", "false", "1", "0"):
        raise ValueError("true or false is expected")
    return text.lower() in ("", "true", "1")


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE; the value is "" without one."""
    name, _, value = text.partition("=")
    if not name:
        raise ValueError("NAME=VALUE is expected")
    return name, value


def _one(field: str, kind: Callable[[str], object] = str) -> Put:
    return lambda body, value: body.update({field: kind(value)})


def _host(field: str, kind: Callable[[str], object] = str) -> Put:
    return lambda body, value: body["HostConfig"].update({field: kind(value)})


def _also(field: str, kind: Callable[[str], object] = str) -> Put:
    return lambda body, value: body["HostConfig"].setdefault(field, []).append(kind(value))


def _named(field: str) -> Put:
    return lambda body, value: body["HostConfig"].setdefault(field, {}).update([pair(value)])


def _label(body: Body, value: str) -> None:
    name, text = pair(value)
    body["Labels"].setdefault(name, text)  # milepost's own, by which it finds its tasks, cannot be overwritten


def _env(body: Body, value: str) -> None:
    body["Env"].append("{}={}".format(*pair(value)))


def _expose(body: Body, value: str) -> None:
    body["ExposedPorts"][value if "/" in value else f"{value}/tcp"] = {}


def _log_driver(body: Body, value: str) -> None:
    body["HostConfig"].setdefault("LogConfig", {})["Type"] = value


def _log_option(body: Body, value: str) -> None:
    body["HostConfig"].setdefault("LogConfig", {}).setdefault("Config", {}).update([pair(value)])


def _tmpfs(body: Body, value: str) -> None:
    path, _, options = value.partition(":")
    body["HostConfig"].setdefault("Tmpfs", {})[path] = options


def _alias(body: Body, value: str) -> None:
    endpoint = _endpoint(body)
    endpoint.setdefault("Aliases", []).append(value)


def _address(body: Body, value: str) -> None:
    _endpoint(body)["IPAMConfig"] = {"IPv4Address": value}


def _endpoint(body: Body) -> dict[str, Any]:
    network = body["HostConfig"]["NetworkMode"]
    endpoints = body.setdefault("NetworkingConfig", {}).setdefault("EndpointsConfig", {})
    endpoint: dict[str, Any] = endpoints.setdefault(network, {})
    return endpoint


def _ulimit(text: str) -> dict[str, object]:
    name, limits = pair(text)
    soft, _, hard = limits.partition(":")
    return {"Name": name, "Soft": int(soft), "Hard": int(hard or soft)}


def _device(text: str) -> dict[str, str]:
    outside, _, rest = text.partition(":")
    inside, _, rights = rest.partition(":")
    return {"PathOnHost": outside, "PathInContainer": inside or outside, "CgroupPermissions": rights or "rwm"}


def _nano_cpus(text: str) -> int:
    return int(float(text) * 1_000_000_000)


SUPPORTED: Mapping[str, Put] = {
    "add-host": _also("ExtraHosts"),
    "blkio-weight": _host("BlkioWeight", int),
    "cap-add": _also("CapAdd"),
    "cap-drop": _also("CapDrop"),
    "cgroup-parent": _host("CgroupParent"),
    "cpu-period": _host("CpuPeriod", int),
    "cpu-quota": _host("CpuQuota", int),
    "cpu-shares": _host("CpuShares", int),
    "cpus": _host("NanoCpus", _nano_cpus),
    "cpuset-cpus": _host("CpusetCpus"),
    "cpuset-mems": _host("CpusetMems"),
    "device": _also("Devices", _device),
    "dns": _also("Dns"),
    "dns-option": _also("DnsOptions"),
    "dns-search": _also("DnsSearch"),
    "domainname": _one("Domainname"),
    "entrypoint": _one("Entrypoint", lambda text: [text]),
    "env": _env,
    "expose": _expose,
    "group-add": _also("GroupAdd"),
    "hostname": _one("Hostname"),
    "init": _host("Init", flag),
    "interactive": _one("OpenStdin", flag),
    "ip": _address,
    "ipc": _host("IpcMode"),
    "label": _label,
    "link": _also("Links"),
    "log-driver": _log_driver,
    "log-opt": _log_option,
    "memory": _host("Memory", size),
    "memory-reservation": _host("MemoryReservation", size),
    "memory-swap": _host("MemorySwap", size),
    "memory-swappiness": _host("MemorySwappiness", int),
    "network": _host("NetworkMode"),
    "network-alias": _alias,
    "oom-kill-disable": _host("OomKillDisable", flag),
    "oom-score-adj": _host("OomScoreAdj", int),
    "pid": _host("PidMode"),
    "pids-limit": _host("PidsLimit", int),
    "privileged": _host("Privileged", flag),
    "read-only": _host("ReadonlyRootfs", flag),
    "runtime": _host("Runtime"),
    "security-opt": _also("SecurityOpt"),
    "shm-size": _host("ShmSize", size),
    "stop-signal": _one("StopSignal"),
    "storage-opt": _named("StorageOpt"),
    "sysctl": _named("Sysctls"),
    "tmpfs": _tmpfs,
    "ulimit": _also("Ulimits", _ulimit),
    "user": _one("User"),
    "userns": _host("UsernsMode"),
    "uts": _host("UTSMode"),
    "volume": _also("Binds"),
    "volume-driver": _host("VolumeDriver"),
    "volumes-from": _also("VolumesFrom"),
    "workdir": _one("WorkingDir"),
}

ALIASES: Mapping[str, str] = {
    "c": "cpu-shares",
    "dns-opt": "dns-option",
    "e": "env",
    "h": "hostname",
    "i": "interactive",
    "l": "label",
    "m": "memory",
    "net": "network",
    "net-alias": "network-alias",
    "p": "publish",
    "P": "publish-all",
    "d": "detach",
    "t": "tty",
    "u": "user",
    "v": "volume",
    "w": "workdir",
}

REFUSED: Mapping[str, str] = {
    "cidfile": "the task's id names the container",
    "detach": "the scheduler waits for the container",
    "name": "the task's id names the container",
    "publish": "ports stand in container.portMappings",
    "publish-all": "ports stand in container.portMappings",
    "restart": "the scheduler starts another task where one ends",
    "rm": "the scheduler removes the container",
    "tty": "the app's own tty says it",
}
