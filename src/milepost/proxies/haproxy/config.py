"""HAProxy's configuration as values: what desired.py decides, render.py writes and plan.py compares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from milepost.proxies.haproxy.certificate import CertificateList


@dataclass(frozen=True, slots=True)
class Server:
    """One `server` line, and the `add server` command for it: both are made from this value.

    `options` are HAProxy's words after the id, in order, each entry one option with its arguments
    (`check inter 60s fall 4`). The id is always explicit: without it two balancers with the same servers
    agree on no hashed key (haproxy-mechanics.md 11). One that `is_off` is there, but gets nothing new: a
    deployment drains it.
    """

    name: str
    address: str  # IP literal, IPv6 without brackets
    port: int
    id: int
    options: tuple[str, ...] = ()
    is_off: bool = False

    @property
    def line(self) -> str:
        """The whole `server` line of a file."""
        return f"server {self.name} {self.words}{' disabled' if self.is_off else ''}"

    @property
    def words(self) -> str:
        """What follows the server's name in a `server` line and in `add server B/NAME`, but for whether it is off."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return " ".join((f"{host}:{self.port} id {self.id}", *self.options))


@dataclass(frozen=True, slots=True)
class Section:
    """One section without its `server` lines. `app_id` is the app it belongs to, "" for shared ones.

    `listens` are the addresses that the section binds, as (host, port); host "*" means all.
    `lines` are folded: no indent, no newline, single blanks. An empty line is allowed. `under` is the name of the
    defaults that it goes by, "" for the last ones above it.
    """

    keyword: str  # global, defaults, listen, frontend, backend
    name: str
    lines: tuple[str, ...]
    app_id: str = ""
    listens: tuple[tuple[str, int], ...] = ()
    under: str = ""


@dataclass(frozen=True, slots=True)
class Structure:
    """All of the configuration but servers and map entries: what only a reload can change.

    `digest` stands for the whole: hex, of the text of all sections. A running HAProxy carries it in
    `description`, by which the next milepost knows what runs. Backend sections come last, in order.
    """

    sections: tuple[Section, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Desired:
    """What HAProxy should be.

    `servers` and `maps` change at run time. Key of `servers`: backend name; each value keeps its identity while it is
    unchanged. Key of `maps`: absolute path of the map file; value: its (key, value) entries in order.
    `apps` names the app of each backend, for reasons. `found_maps` are paths of maps whose entries are not decided
    here: they have to be there, and are never written. `certificates` change at run time too; None where nobody has
    looked at them.
    """

    structure: Structure
    servers: Mapping[str, tuple[Server, ...]] = field(default_factory=dict)
    maps: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    apps: Mapping[str, str] = field(default_factory=dict)
    certificates: CertificateList | None = None
    found_maps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """How `milepost run` writes its part of the configuration: the settings of the [haproxy] table.

    Ports: 0 switches a listener off. `bind` are the balancer's own addresses. `admin_socket` is where
    the running process answers, `map_dir` holds the map files. `certificate_list` is the crt-list file
    for https_port, which stays off without one; `app_certificates` is the folder with the copies of those that
    apps name, "" to name them as apps do. `max_files` is the hard limit on file descriptors that HAProxy will
    have. `log` is where HAProxy logs to, as `log_sections.py` has it, "" for nowhere; `log_socket` is where
    milepost takes its lines. `version` is HAProxy's (major, minor).
    `endpoints_socket` is where milepost answers for the statistics' port, "" for nowhere, and `stats_trusted` are
    networks besides loopback that may ask it everything. `user` and `group` are whom HAProxy becomes once it has
    bound its ports, "" for who started it.
    `hard_stop_after_s`: how long a process that a reload has replaced may finish its sessions.
    `accept_proxy` are the listeners ("http", "https", "appid", "services") at which `trusted_networks` speak the PROXY
    protocol; what these say of clients in headers is taken everywhere.
    `error_pages` are (status, path) of files that hold a whole answer.
    `deny` are networks whose connections are closed.
    `server_ca` is a file of certificates that may sign those of servers, "" for none.
    `slow_start_s`: how long a server that comes new, or back, takes to its full share of traffic; 0: none.
    `trusts_owners`: their own rules stand in the shared frontends as they are. `heads` are the operator's own lines of
    the shared frontends by name, `global_lines` and `defaults_lines` those of these sections.
    """

    admin_socket: str
    map_dir: str
    max_files: int
    bind: tuple[str, ...] = ("*",)
    http_port: int = 80
    https_port: int = 443
    appid_port: int = 9091
    stats_port: int = 9090
    certificate_list: str = ""
    app_certificates: str = ""
    log: str = ""
    log_socket: str = ""
    version: tuple[int, int] = (2, 6)
    hard_stop_after_s: float = 600.0
    slow_start_s: float = 0.0
    server_ca: str = ""
    accept_proxy: tuple[str, ...] = ()
    trusted_networks: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    error_pages: tuple[tuple[int, str], ...] = ()
    trusts_owners: bool = False
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    global_lines: tuple[str, ...] = ()
    defaults_lines: tuple[str, ...] = ()
    endpoints_socket: str = ""
    stats_trusted: tuple[str, ...] = ()
    user: str = ""
    group: str = ""
