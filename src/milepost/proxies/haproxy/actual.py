"""What runs in HAProxy, as read back from it: never what was last written."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ActualServer:
    """One server of the running worker.

    `serving`: it is given new requests (ready and not found down by a check is not looked at here).
    `maint`: taken out by command. `id` as HAProxy has it.
    """

    name: str
    address: str
    port: int
    id: int
    maint: bool = False
    drain: bool = False
    up: bool = True


@dataclass(frozen=True, slots=True)
class Actual:
    """The running worker: its process, what structure it carries, its servers and map entries.

    `digest` is "" where the running configuration is not milepost's. `pid` is the worker's.
    `leftovers` are (backend, server) that take no new traffic and could not be deleted yet.
    """

    pid: int
    version: str
    digest: str
    servers: Mapping[str, Mapping[str, ActualServer]] = field(default_factory=dict)
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
