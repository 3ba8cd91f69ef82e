"""What a service offers, as a flat list of features with a value each: what two balancers can be compared by. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from milepost.model.routing import Check, Endpoint, RoutingTable, Service

EVERY_ADDRESS = frozenset({"", "*", "0.0.0.0"})  # noqa: S104 - what a table may say; nothing is bound here

OF_HOSTS = frozenset({"REDIRECT_TO_HTTPS", "BACKEND_WEIGHT", "PATH"})
"""Labels that say nothing where no host leads to the port."""

_USUAL = "the usual text"


@dataclass(frozen=True, slots=True, order=True)
class Feature:
    """One thing that a service has or does. `label` is the label it comes from, without index; "" for none.

    `kind` is "listener", "host", "app id", "server" or "option"; `name` tells which of them.
    """

    kind: str
    name: str
    label: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def features_of(table: RoutingTable, service: Service) -> dict[Feature, str]:
    """All of one service of a table, with their values."""
    return {
        **dict(_routes(service)),
        **dict(_servers(table.endpoints[service.name])),
        **dict(_options(service)),
        **{Feature("option", f"template {name}", name): "the owner's own" for name in service.templates},
    }


def _routes(service: Service) -> Iterator[tuple[Feature, str]]:
    if service.listens and service.templates.get("FRONTEND_HEAD", _USUAL).strip():
        address = "*" if service.bind_addr in EVERY_ADDRESS else service.bind_addr
        yield Feature("listener", f"{address}:{service.port}", "PORT"), "listens"
    paths = [word for word in service.path if word.startswith("/")] or [""]
    for host in service.hosts:
        for path in paths:
            yield Feature("host", f"{host.strip()}{path}", "VHOST"), "leads here"
    if service.serves_app_id:
        yield Feature("app id", service.app_id), "leads here"


def _servers(endpoints: Sequence[Endpoint]) -> Iterator[tuple[Feature, str]]:
    for at in endpoints:
        yield Feature("server", f"{at.address}:{at.port}"), "drained" if at.is_drained else "serves"


def _options(service: Service) -> Iterator[tuple[Feature, str]]:
    """Those that are set; secrets stay out."""
    rewrites, binding = service.rewrites, service.binding
    values: Mapping[tuple[str, str], str] = {
        ("mode", "MODE"): service.mode.strip(),
        ("balance", "BALANCE"): service.balance,
        ("sticky", "STICKY"): "yes" if service.sticky else "",
        ("check", ""): _told_check(service.check),
        ("paths in any case", "PATH"): "yes" if "-i" in service.path else "",
        ("weight", "BACKEND_WEIGHT"): str(service.weight or ""),
        ("basic auth", "AUTH"): f"user {service.auth.user} of {service.auth.realm}" if service.auth else "",
        ("redirect to HTTPS", "REDIRECT_TO_HTTPS"): "yes" if service.redirects_to_https and service.hosts else "",
        ("allowed networks", "BACKEND_NETWORK_ALLOWED_ACL"): " ".join(
            network.removesuffix("/32") for network in service.networks
        ),
        ("HSTS", "USE_HSTS"): "yes" if rewrites.hsts else "",
        ("path cut off", "HTTP_BACKEND_PROXYPASS_PATH"): rewrites.proxypass_path,
        ("path of redirects", "HTTP_BACKEND_REVPROXY_PATH"): rewrites.revproxy_path,
        ("redirect of /", "HTTP_BACKEND_REDIR"): rewrites.root_redirect,
        ("certificate", "SSL_CERT"): binding.certificate or "",
        ("bind options", "BIND_OPTIONS"): binding.options,
    }
    for (name, label), value in values.items():
        if value.strip():
            yield Feature("option", name, label), value


def _told_check(check: Check | None) -> str:
    if check is None or not check.kind:
        return ""
    what = f"GET {check.path}, at most {check.timeout_s} s" if check.kind == "http" else "connect"
    port = f", port {check.port}" if check.port is not None else ""
    return f"{what}, every {check.interval_s} s, out after {check.fall} failures{port}"
