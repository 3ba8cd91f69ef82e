"""Pods as they arrive from `/v2/pods/::status`, from 1.4 on: only what milepost needs. As tolerant as `wire.py`."""

from typing import Any

import msgspec

from milepost.sources.marathon.wire import Port, Seconds, Wire


class Endpoint(Wire, frozen=True):
    """`protocol` is a list of words, or one."""

    name: str
    container_port: Port | None = None
    protocol: tuple[str, ...] | str | None = None
    labels: dict[str, Any] | None = None


class HttpCheck(Wire, frozen=True):
    endpoint: str | None = None
    path: str | None = None
    scheme: str | None = None


class TcpCheck(Wire, frozen=True):
    endpoint: str | None = None


class HealthCheck(Wire, frozen=True):
    http: HttpCheck | None = None
    tcp: TcpCheck | None = None
    interval_seconds: Seconds | None = None
    timeout_seconds: Seconds | None = None
    grace_period_seconds: Seconds | None = None
    max_consecutive_failures: Seconds | None = None


class Container(Wire, frozen=True):
    name: str
    endpoints: tuple[Endpoint, ...] | None = None
    health_check: HealthCheck | None = None


class Network(Wire, frozen=True):
    mode: str | None = None


class Scaling(Wire, frozen=True):
    instances: int | None = None


class Spec(Wire, frozen=True):
    id: str
    version: str | None = None
    labels: dict[str, Any] | None = None
    networks: tuple[Network, ...] | None = None
    containers: tuple[Container, ...] | None = None
    scaling: Scaling | None = None


class Condition(Wire, frozen=True):
    name: str | None = None
    value: str | None = None


class EndpointStatus(Wire, frozen=True):
    name: str
    allocated_host_port: Port | None = None
    healthy: bool | None = None


class ContainerStatus(Wire, frozen=True):
    name: str
    status: str | None = None
    conditions: tuple[Condition, ...] | None = None
    endpoints: tuple[EndpointStatus, ...] | None = None


class NetworkStatus(Wire, frozen=True):
    addresses: tuple[str, ...] | None = None


class Instance(Wire, frozen=True):
    id: str
    status: str | None = None
    agent_hostname: str | None = None
    networks: tuple[NetworkStatus, ...] | None = None
    containers: tuple[ContainerStatus, ...] | None = None


class Pod(Wire, frozen=True):
    """Of one pod: what its owner wrote, and its instances, each still undecoded."""

    id: str
    spec: Spec
    instances: tuple[msgspec.Raw, ...] | None = None


pod_decoder = msgspec.json.Decoder(Pod)
instance_decoder = msgspec.json.Decoder(Instance)
