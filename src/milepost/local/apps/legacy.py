"""Deprecated forms of the input, brought to the canonical ones (marathon-api 5.1).

Works on a document whose types were checked; what is given twice in contradicting forms is refused.
"""

from collections.abc import Mapping
from typing import Any

from milepost.local.apps.refusal import Refused, invalid

Document = dict[str, Any]
ARCHIVES = (".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip")
MODES = {"BRIDGE": "container/bridge", "HOST": "host", "USER": "container"}
DEPRECATED = ("ports", "uris", "ipAddress", "storeUrls", "version", "versionInfo")


def modernise(document: Mapping[str, Any]) -> Document:
    """The same app without deprecated members. Raises Refused (422)."""
    new = {key: value for key, value in document.items() if key not in DEPRECATED}
    _ports(document, new)
    _uris(document, new)
    _ip_address(document, new)
    _docker(document, new)
    return new


def _ports(document: Mapping[str, Any], new: Document) -> None:
    """`ports` counts only beside no `portDefinitions`, or beside equal ones (our own output has both)."""
    if "ports" not in document:
        return
    ports = document["ports"]
    beside = document.get("portDefinitions")
    if beside is None:
        new["portDefinitions"] = [{"port": port} for port in ports]
    elif ports and [each.get("port", 0) for each in beside] != list(ports):
        raise _contradiction("cannot specify both ports and port definitions")


def _uris(document: Mapping[str, Any], new: Document) -> None:
    uris = document.get("uris")
    if not uris:
        return
    if document.get("fetch"):
        raise _contradiction("cannot specify both uris and fetch fields")
    new["fetch"] = [
        {"uri": uri, "extract": uri.endswith(ARCHIVES), "executable": False, "cache": False} for uri in uris
    ]


def _ip_address(document: Mapping[str, Any], new: Document) -> None:
    """An address per task means a container network, in an empty container if none is given."""
    address = document.get("ipAddress")
    if address is None:
        return
    if document.get("networks"):
        raise _contradiction("must not specify both networks and ipAddress")
    if document.get("ports"):
        raise _contradiction("cannot specify both an IP address and port")
    new["networks"] = [_container_network(address)]
    new.setdefault("container", {"type": "MESOS"})
    discovered = (address.get("discovery") or {}).get("ports")
    if discovered and new["container"].get("type") == "MESOS":
        mappings = [{"containerPort": port["number"], **_protocol_and_name(port)} for port in discovered]
        new["container"] = {**new["container"], "portMappings": mappings}


def _container_network(address: Mapping[str, Any]) -> Document:
    network: Document = {"mode": "container"}
    if address.get("networkName"):
        network["name"] = address["networkName"]
    if address.get("labels"):
        network["labels"] = address["labels"]
    return network


def _protocol_and_name(port: Mapping[str, Any]) -> Document:
    return {key: port[key] for key in ("protocol", "name") if key in port}


def _docker(document: Mapping[str, Any], new: Document) -> None:
    container = new.get("container")
    docker = (container or {}).get("docker")
    if not container or not docker:
        return
    docker = dict(docker)
    mode, mappings = docker.pop("network", None), docker.pop("portMappings", None)
    new["container"] = {**container, "docker": docker}
    if mode is not None:
        _docker_network(document, new, mode)
    if mappings is not None:
        if mappings and container.get("portMappings"):
            raise _contradiction("cannot specify both container.portMappings and container.docker.portMappings")
        if not container.get("portMappings"):
            new["container"]["portMappings"] = mappings


def _docker_network(document: Mapping[str, Any], new: Document, mode: str) -> None:
    if document.get("networks"):
        raise _contradiction("must not specify both container.docker.network and networks")
    if mode not in MODES:
        raise invalid([("/container/docker/network", "unsupported docker network type")])
    if mode != "USER" or "networks" not in new:
        new["networks"] = [{"mode": MODES[mode]}]


def _contradiction(text: str) -> Refused:
    return invalid([("/", text)])
