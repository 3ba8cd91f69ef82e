"""Pods as Marathon's `::status` tells of them, for tests."""

from typing import Any


def instance(number: int, *containers: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A running instance; `members` in Marathon's own names."""
    return {
        "id": f"shop.instance-{number}",
        "status": "STABLE",
        "agentHostname": "10.0.0.1",
        "networks": [{"addresses": [f"10.9.0.{number}"]}],
        "containers": list(containers),
        **members,
    }


def container(name: str = "web", port: int = 31000, *, endpoint: str = "http", **members: Any) -> dict[str, Any]:
    """The status of a running container with one endpoint."""
    return {
        "name": name,
        "status": "TASK_RUNNING",
        "endpoints": [{"name": endpoint, "allocatedHostPort": port}],
        "conditions": [],
        **members,
    }


def spec(name: str = "web", *, endpoint: str = "http", number: int | None = 80, **members: Any) -> dict[str, Any]:
    """What an owner wrote of one container with one endpoint."""
    return {
        "name": name,
        "endpoints": [{"name": endpoint, "containerPort": number, "hostPort": 0, "protocol": ["tcp"], "labels": {}}],
        **members,
    }


def pod(*instances: dict[str, Any], containers: tuple[dict[str, Any], ...] = (), **members: Any) -> dict[str, Any]:
    """The pod /shop, in bridge mode and group "external"; `members` of its spec in Marathon's own names."""
    written = {
        "id": "/shop",
        "version": "2024-05-01T10:00:00.000Z",
        "labels": {"HAPROXY_GROUP": "external"},
        "networks": [{"mode": "container/bridge"}],
        "containers": list(containers or (spec(),)),
        "scaling": {"kind": "fixed", "instances": len(instances)},
        **members,
    }
    return {"id": "/shop", "spec": written, "status": "STABLE", "instances": list(instances)}
