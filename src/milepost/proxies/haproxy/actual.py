"""What runs in HAProxy, as read back from it: never what was last written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from milepost.proxies.haproxy.config import Server


@dataclass(frozen=True, slots=True)
class ActualServer:
    """One server of the running worker. `id` as HAProxy has it.

    `maint` and `drain`: taken out by command, without a new request; in drain its sticky clients still come.
    `reweighted`: its weight is by command another than it was at its start.
    `up`: it takes part in balancing now, so neither stopped by command nor found down by a check.
    `options` are the words after its id, None while unknown: HAProxy does not tell them, so they are known only
    for servers that milepost added, or that stand in the file with which this worker was started.
    """

    name: str
    address: str  # IP literal, IPv6 without brackets
    port: int
    id: int
    maint: bool = False
    drain: bool = False
    up: bool = True
    options: str | None = None
    reweighted: bool = False


def started(server: Server, options: str | None) -> ActualServer:
    """What runs where HAProxy has just taken `server`, by a file or by command."""
    is_off = server.is_off
    return ActualServer(
        server.name, server.address, server.port, server.id, maint=is_off, up=not is_off, options=options
    )


@dataclass(frozen=True, slots=True)
class RunningCertificate:
    """A certificate that is served. `digest` is of its whole file, chain and key included, None while unknown:
    HAProxy only tells the `fingerprint` of the certificate itself.
    """

    fingerprint: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Actual:
    """The running worker: its process, what structure it carries, its servers and map entries.

    `digest` is "" where the running configuration is not milepost's. `pid` is the worker's, 0 where none runs.
    `servers` has every backend that runs, also those without a server. Key of `maps`: path of the map file.
    Key of `certificates`: the file by whose name HAProxy knows it; empty where it has no list of certificates.
    """

    pid: int
    version: str
    digest: str
    servers: Mapping[str, Mapping[str, ActualServer]] = field(default_factory=dict)
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    certificates: Mapping[str, RunningCertificate] = field(default_factory=dict)


NOTHING = Actual(pid=0, version="", digest="")
