"""What owners asked for, decided: services, endpoints, and a reason for whatever was left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from milepost.model.problem import Problem
from milepost.model.snapshot import HealthCheck


@dataclass(frozen=True, slots=True)
class Check:
    """How the proxy checks an endpoint. Times in seconds; `fall` failures in a row take it out.

    `kind` is "http" (GET `path`) or "tcp" (connect), "" for neither (a mode other than http and tcp).
    `port` is checked instead of the endpoint's own where it is not None. `is_tls`: the request is made over TLS.
    `asked` is what its owner asked for, as far as somebody wants to know (marathon-lb's templates show it).
    """

    kind: str
    path: str
    interval_s: int
    timeout_s: int
    fall: int
    port: int | None = None
    is_tls: bool = False
    asked: HealthCheck | None = None


@dataclass(frozen=True, slots=True)
class Retries:
    """After which failures the proxy sends a request again, to another task: words of HAProxy's `retry-on`.

    A failed connection is no risk. After any other failure the task may have done what it was asked, so only GET, HEAD
    and OPTIONS are sent again, unless `any_method`. Without any word nothing is.
    """

    on: tuple[str, ...] = ("conn-failure", "empty-response")
    any_method: bool = False


@dataclass(frozen=True, slots=True)
class Auth:
    """Who may use the hosts of a service: HTTP basic authentication.

    `password` is a crypt(3) hash. An empty `user` has no list to be looked up in, an empty `realm` asks nobody.
    `is_everywhere`: also those are asked who come by the service port or by the app's id.
    """

    realm: str
    user: str
    password: str = field(repr=False)
    is_everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Rewrites:
    """What is changed in the requests and answers of an http service (marathon-lb-behaviour.md 10.2), "" for none.

    `hsts` tells browsers to come over TLS only. `proxypass_path` is cut from the beginning of paths;
    `revproxy_path` replaces the path of a `Location` in an answer; `root_redirect` is where `/` of the hosts leads.
    """

    hsts: bool = False
    proxypass_path: str = ""
    revproxy_path: str = ""
    root_redirect: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a service's own listener has beside its address: words of HAProxy's `bind`.

    `certificate` is a path, None without the label; `options` is "" without it.
    """

    certificate: str | None = None
    options: str = ""


class ServerTls(StrEnum):
    """Whether tasks are asked over TLS, and whether one that the operator trusts must have signed their certificate."""

    OFF = ""
    UNVERIFIED = "true"
    VERIFIED = "verify"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a service's sides may be silent, in seconds, None for what is usual.

    `server_s`: its task, before an answer. `tunnel_s`: both sides of a tunnel (a websocket, a connection of mode tcp).
    `client_s`: a client that sends or takes, at the service's own listener.
    """

    server_s: float | None = None
    tunnel_s: float | None = None
    client_s: float | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """An app's one port that asks for traffic.

    `name` is unique in a table and names frontend and backend. `port` is where it listens (after the
    PORT label); `listens` is False where another service holds that port, or its owner wants no listener.
    `bind_addr` is "" for the balancer's own addresses. `hosts` are the virtual hosts it holds, lowered, in label order:
    names, `*.name`, `~expression`, and `*` for all; `path` holds the words of the PATH label. `several_hosts` tells
    whether the label was a list (it chooses the form of the rules).
    `serves_app_id` marks the app's first http service, the one that the app-id frontend leads to.

    `host_label` is the text of the VHOST label, lowered, None without one. Of rules for one host those of a greater
    `weight` come first. `redirects_to_https`: on the shared HTTP port a client is sent to HTTPS. `networks` are the
    only sources that may use the backend, () for all. `templates` are the owner's own texts in place of the usual
    ones, by the template's name (marathon-lb-behaviour.md 10.4).

    `denied` are sources that may not use the backend, whatever `networks` says.
    `passes_tls`: on the shared port of TLS its hosts lead to its tasks as they are, which speak TLS themselves.
    `strips_path`: the task is asked for what follows the word of `path` that fits.
    """

    name: str
    app_id: str
    index: int
    port: int
    mode: str
    balance: str = "roundrobin"
    sticky: bool = False
    bind_addr: str = ""
    listens: bool = True
    hosts: tuple[str, ...] = ()
    several_hosts: bool = False
    path: tuple[str, ...] = ()
    check: Check | None = None
    retries: Retries = Retries()
    serves_app_id: bool = False
    host_label: str | None = None
    weight: int = 0
    auth: Auth | None = None
    redirects_to_https: bool = False
    networks: tuple[str, ...] = ()
    rewrites: Rewrites = Rewrites()
    binding: Binding = Binding()
    templates: Mapping[str, str] = field(default_factory=dict)
    denied: tuple[str, ...] = ()
    passes_tls: bool = False
    strips_path: bool = False
    timeouts: Timeouts = Timeouts()
    server_tls: ServerTls = ServerTls.OFF


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one task of a service answers. `host` is the agent's name, `address` an IP literal.

    `check_port` is checked in place of `port` where it is not None. `is_drained`: the task goes on, but a deployment
    of two colours takes its traffic away (marathon-lb-behaviour.md 18).
    """

    task_id: str
    host: str
    address: str
    port: int
    check_port: int | None = None
    is_drained: bool = False

    @property
    def place(self) -> str:
        """Address and port as one word, an IPv6 address in brackets."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something a stage left out, and why: a task of an app, or (task_id "") a whole port of it.

    `index` is the port's index, None where the reason concerns every port of the app.
    """

    app_id: str
    task_id: str
    index: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds each port and host: key as in `routing/conflicts.py`, value `app_id`. Kept over restarts."""

    by_key: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """The decided whole, sorted by app id and port.

    `services` is the very same tuple object as in the table before as long as no definition and no
    conflict changed; `endpoints[service.name]` likewise per service. Both let later stages skip work.

    `groups` gives the id under which an app of a deployment group is served, and which its services have; `drained`
    are the ids of all tasks from which a deployment takes the traffic. Problems and what was dropped go by the ids of
    the apps themselves.
    """

    services: tuple[Service, ...] = ()
    endpoints: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    dropped: Mapping[str, tuple[Dropped, ...]] = field(default_factory=dict)  # by app id
    problems: tuple[Problem, ...] = ()
    holders: Holders = field(default_factory=Holders)
    groups: Mapping[str, str] = field(default_factory=dict)  # by app id
    drained: frozenset[str] = frozenset()
