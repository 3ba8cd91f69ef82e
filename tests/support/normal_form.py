"""What an answer must have of an app that was sent: an own, small reading of marathon-api 4 and 5.

It shares nothing with the code under test. Service ports that the sender left to the scheduler are not told here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Document = dict[str, Any]
STATUS = frozenset({"version", "versionInfo", "tasks", "deployments", "storeUrls"})
OLD = frozenset({"ports", "uris", "ipAddress"})
LEFT_OUT_IF_EMPTY = frozenset(
    {"env", "constraints", "fetch", "healthChecks", "readinessChecks", "dependencies", "secrets", "args"}
)
NOT_DOCKERS = frozenset({"requirePorts", "forcePull"})  # examples have them in `docker`: unknown there, so ignored
MODES = {"BRIDGE": "container/bridge", "HOST": "host", "USER": "container"}
ARCHIVES = ("tgz", "tar.gz", "tbz2", "tar.bz2", "txz", "tar.xz", "zip")
ALWAYS = frozenset(
    {
        "id",
        "backoffFactor",
        "backoffSeconds",
        "cpus",
        "disk",
        "executor",
        "instances",
        "labels",
        "maxLaunchDelaySeconds",
        "mem",
        "gpus",
        "networks",
        "requirePorts",
        "upgradeStrategy",
        "version",
        "versionInfo",
        "killSelection",
        "unreachableStrategy",
        "tasksStaged",
        "tasksRunning",
        "tasksHealthy",
        "tasksUnhealthy",
        "deployments",
        "tasks",
    }
)
WHEN_SET = frozenset(
    {
        "acceptedResourceRoles",
        "args",
        "cmd",
        "constraints",
        "container",
        "dependencies",
        "env",
        "fetch",
        "healthChecks",
        "check",
        "readinessChecks",
        "residency",
        "secrets",
        "taskKillGracePeriodSeconds",
        "user",
        "tty",
        "executorResources",
        "resourceLimits",
        "portDefinitions",
        "ports",
        "lastTaskFailure",
    }
)


def expected(sent: Mapping[str, Any], group: str = "") -> Document:
    """The part of `GET /v2/apps/{id}` that the sender has decided. `group` is where the app was sent to."""
    app = {name: value for name, value in sent.items() if value is not None and name not in STATUS | OLD}
    app = {name: value for name, value in app.items() if value or name not in LEFT_OUT_IF_EMPTY}
    app["id"] = absolute(sent["id"], group)
    app["networks"] = networks(sent)
    on_host = app["networks"][0]["mode"] == "host"
    if app.get("dependencies"):
        app["dependencies"] = [absolute(each, app["id"].rpartition("/")[0]) for each in app["dependencies"]]
    if sent.get("uris"):
        app["fetch"] = [{"uri": uri, "extract": uri.endswith(ARCHIVES)} for uri in sent["uris"]]
    if "fetch" in app:
        app["fetch"] = [{"extract": True, "executable": False, "cache": False, **each} for each in app["fetch"]]
    if on_host:
        given = [{"port": port} for port in sent.get("ports") or []] or sent.get("portDefinitions")
        app["portDefinitions"] = [unassigned(each, "port") for each in given or [{"name": "default"}]]
    else:
        app.pop("portDefinitions", None)
        app["requirePorts"] = False
    container = contained(sent, on_host=on_host)
    if container:
        app["container"] = container
    if "healthChecks" in app:
        app["healthChecks"] = [check_defaults(each) | each for each in app["healthChecks"]]
    return app


def absolute(app_id: str, group: str = "") -> str:
    return app_id if app_id.startswith("/") else f"{group}/{app_id}"


def networks(sent: Mapping[str, Any]) -> list[Document]:
    if sent.get("networks"):
        return list(sent["networks"])
    mode = ((sent.get("container") or {}).get("docker") or {}).get("network")
    address = sent.get("ipAddress")
    if address is None:
        return [{"mode": MODES[mode or "HOST"]}]
    named = {"name": address["networkName"]} if "networkName" in address else {}
    return [{"mode": "container", **named}]


def contained(sent: Mapping[str, Any], *, on_host: bool) -> Document | None:
    """The container with its ports where the new form has them."""
    given = dict(sent.get("container") or {})
    if not given and on_host:
        return None
    docker = dict(given.get("docker") or {})
    mappings = docker.pop("portMappings", None) or given.pop("portMappings", None)
    docker = {name: value for name, value in docker.items() if name != "network" and name not in NOT_DOCKERS}
    discovered = ((sent.get("ipAddress") or {}).get("discovery") or {}).get("ports")
    if discovered and not mappings:
        mappings = [{"containerPort": each.pop("number"), **each} for each in map(dict, discovered)]
    if docker:
        given["docker"] = {"forcePullImage": False, "parameters": [], "privileged": False, **docker}
    if mappings and not on_host:
        given["portMappings"] = [unassigned(each, "servicePort") for each in mappings]
    return {"type": "DOCKER" if docker else "MESOS", "volumes": [], **given}


def unassigned(port: Mapping[str, Any], name: str) -> Document:
    """A port as it was sent, without the number that the scheduler gives and without empty labels."""
    kept = {key: value for key, value in port.items() if not (key == name and value == 0)}
    if not kept.get("labels", True):
        kept.pop("labels")
    return {"protocol": "tcp", **kept}


def check_defaults(check: Mapping[str, Any]) -> Document:
    common: Document = {"protocol": "HTTP", "gracePeriodSeconds": 300, "intervalSeconds": 60, "timeoutSeconds": 20}
    common |= {"maxConsecutiveFailures": 3, "delaySeconds": 15, "ipProtocol": "IPv4"}
    if check.get("protocol", "HTTP") in ("HTTP", "HTTPS"):
        common["ignoreHttp1xx"] = False
    if check.get("protocol") != "COMMAND" and "port" not in check:
        common["portIndex"] = 0
    return common


def differences(wanted: Any, found: Any, place: str = "") -> Iterator[str]:
    """Where `found` lacks or changes something of `wanted`; what it has besides is its own."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, member in wanted.items():
            if name not in found:
                yield f"{place}/{name} is missing"
            else:
                yield from differences(member, found[name], f"{place}/{name}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(one, other, f"{place}({index})")
    elif wanted != found:
        yield f"{place} is {found!r}, not {wanted!r}"
