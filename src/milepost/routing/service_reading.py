"""What one port of an app asks for, as a service: read from its labels."""

from dataclasses import replace
from typing import Any

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Binding, Check, Retries, Rewrites, Service
from milepost.model.snapshot import HealthCheck
from milepost.routing import labels as table
from milepost.routing.binding import read_binding
from milepost.routing.checks import matching_check, proxy_check
from milepost.routing.grammar import Hosts, is_path
from milepost.routing.grammar_hosts import EVERY_HOST
from milepost.routing.guards import NO_GUARDS, Guards, read_guards
from milepost.routing.label import Label
from milepost.routing.marathon_lb import own_templates
from milepost.routing.naming import service_name
from milepost.routing.own_labels import with_own_labels
from milepost.routing.passthrough import passed_hosts, wants_passthrough
from milepost.routing.port_labels import PortLabels
from milepost.routing.rewriting import read_rewrites

_ROUND_ROBIN = "roundrobin"
_BY_REQUEST = ("uri", "url_param", "hdr(")  # algorithms that read the request
_OF_HTTP = frozenset({"HTTP", "HTTPS", "MESOS_HTTP", "MESOS_HTTPS"})
_RETRIES = Retries()
_NO_HOSTS = Hosts((), several=False)

_OF_RULES = (
    *(table.AUTH, table.AUTH_EVERYWHERE, table.BACKEND_NETWORK_ALLOWED_ACL, table.REDIRECT_TO_HTTPS, table.USE_HSTS),
    *(table.HTTP_BACKEND_PROXYPASS_PATH, table.HTTP_BACKEND_REVPROXY_PATH, table.HTTP_BACKEND_REDIR),
    *(table.BACKEND_WEIGHT, table.SSL_CERT, table.BIND_OPTIONS),
)


def service_of(labels: PortLabels, checks: tuple[HealthCheck, ...], number: int) -> Service:
    check, is_borrowed = _asked_check(labels, checks)
    hosts = labels.value(table.VHOST, _NO_HOSTS, needed=False)
    by_default = "http" if (check and check.protocol == "HTTP") or hosts.names else "tcp"
    passes_tls = wants_passthrough(labels)
    mode = labels.value(table.MODE, "tcp" if passes_tls else by_default)
    if is_borrowed and check is not None and check.protocol in _OF_HTTP and not passes_tls:
        mode = "http"
    port = labels.value(table.PORT, number)
    guards = NO_GUARDS if labels.exact else read_guards(labels, mode)
    if passes_tls:
        names, path = passed_hosts(labels, hosts, mode, guards)
    else:
        names, path = _route(labels, hosts, mode, guards)
    service = Service(
        name=service_name(labels.app_id, port),
        app_id=labels.app_id,
        index=labels.index,
        port=port,
        mode=mode,
        balance=_balance(labels, mode),
        sticky=_sticky(labels, mode),
        retries=_retries(labels, mode),
        bind_addr=labels.value(table.BIND_ADDR, "*" if labels.exact else ""),
        hosts=names,
        passes_tls=passes_tls and bool(names),
        host_label=_host_label(labels) if labels.exact else None,
        several_hosts=hosts.several,
        path=path,
        check=_check(labels, check, mode),
        templates=own_templates(labels.labels, labels.index, exact=labels.exact),
    )
    if labels.exact:
        return _with_labels_of_marathon_lb(service, labels)
    return with_own_labels(_with_own_rules(service, labels, guards), labels)


def _host_label(labels: PortLabels) -> str | None:
    """As it was written, but lowered: marathon-lb's placeholders have it."""
    return labels.labels[table.VHOST.key(labels.index)].lower() if labels.has(table.VHOST) else None


def _with_labels_of_marathon_lb(service: Service, labels: PortLabels) -> Service:
    """What only marathon-lb's own text has so far."""
    if not service.path and not labels.has_any(_OF_RULES):
        return service
    weight = labels.value(table.BACKEND_WEIGHT, 0)
    return replace(
        service,
        weight=1 if weight == 0 and service.path else weight,
        auth=labels.optional(table.AUTH),
        redirects_to_https=labels.value(table.REDIRECT_TO_HTTPS, default=False),
        networks=labels.value(table.BACKEND_NETWORK_ALLOWED_ACL, ()),
        rewrites=_rewrites(labels),
        binding=Binding(labels.optional(table.SSL_CERT), labels.value(table.BIND_OPTIONS, Binding()).options),
    )


def _asked_check(labels: PortLabels, checks: tuple[HealthCheck, ...]) -> tuple[HealthCheck | None, bool]:
    """The check of the port; without one, that of the port which is checked in its place (11.3), and whether so."""
    own = matching_check(checks, labels.index, exact=labels.exact)
    index = labels.optional(table.BACKEND_HEALTHCHECK_PORT_INDEX, needed=False)
    if own is not None or index is None:
        return own, False
    return matching_check(checks, index, exact=labels.exact), True


def _with_own_rules(service: Service, labels: PortLabels, guards: Guards) -> Service:
    if not service.path and not labels.has_any(_OF_RULES):  # to make it anew costs as much as all else about it
        return service
    weight = labels.value(table.BACKEND_WEIGHT, 0, needed=False)
    service = replace(
        service,
        weight=1 if weight == 0 and service.path else weight,
        auth=guards.auth,
        redirects_to_https=guards.redirects_to_https and not service.passes_tls,
        networks=guards.networks,
        rewrites=read_rewrites(labels, service.mode),
        binding=read_binding(labels),
    )
    _report_idle(service, labels)
    return service


def _report_idle(service: Service, labels: PortLabels) -> None:
    """Tell of what has no effect without a host."""
    if labels.has(table.VHOST) or service.hosts or labels.is_broken:
        return
    idle: dict[Label[Any], bool] = {
        table.AUTH: service.auth is not None and not service.auth.is_everywhere,
        table.REDIRECT_TO_HTTPS: service.redirects_to_https,
        table.HTTP_BACKEND_REDIR: bool(service.rewrites.root_redirect),
        table.BACKEND_WEIGHT: bool(service.weight),
    }
    for label in (label for label, is_asked in idle.items() if is_asked):
        labels.report(label, f"has no effect without {table.VHOST.key(labels.index)}", Severity.WARNING)


def _rewrites(labels: PortLabels) -> Rewrites:
    return Rewrites(
        labels.value(table.USE_HSTS, default=False),
        labels.value(table.HTTP_BACKEND_PROXYPASS_PATH, ""),
        labels.value(table.HTTP_BACKEND_REVPROXY_PATH, ""),
        labels.value(table.HTTP_BACKEND_REDIR, ""),
    )


def _route(labels: PortLabels, hosts: Hosts, mode: str, guards: Guards) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The hosts and the path that lead here. Without a path that can be read its hosts lead nowhere: to lead
    every path here would take what belongs to others. Nor do they where what guards them cannot be read."""
    known = len(labels.problems)
    path = labels.value(table.PATH, (), needed=False)
    if labels.exact:
        return hosts.names, path
    if len(labels.problems) > known or not guards.are_readable:
        return (), ()
    if hosts.names and mode != "http":
        labels.report(table.VHOST, f"needs mode http, but the mode is {mode}; no host leads here")
        return (), ()
    names = hosts.names
    if path and not labels.has(table.VHOST):
        if mode == "http":
            names = (EVERY_HOST,)
        else:
            labels.report(table.PATH, f"has no effect: needs mode http, but the mode is {mode}", Severity.WARNING)
    return names, path if names else ()


def _balance(labels: PortLabels, mode: str) -> str:
    balance = labels.value(table.BALANCE, _ROUND_ROBIN)
    if mode != "http" and not labels.exact and balance.startswith(_BY_REQUEST):
        message = f"needs mode http, but the mode is {mode}; {_ROUND_ROBIN} is used"
        labels.report(table.BALANCE, message, Severity.WARNING)
        return _ROUND_ROBIN
    return balance


def _sticky(labels: PortLabels, mode: str) -> bool:
    sticky = labels.value(table.STICKY, default=False, needed=False)
    if sticky and mode != "http" and not labels.exact:
        labels.report(table.STICKY, f"has no effect: needs mode http, but the mode is {mode}", Severity.WARNING)
        return False
    return sticky


def _retries(labels: PortLabels, mode: str) -> Retries:
    """marathon-lb had no such label, so the exact profile does not read it."""
    if labels.exact or not labels.has(table.RETRY_ON):
        return _RETRIES
    retries = labels.value(table.RETRY_ON, _RETRIES, needed=False)
    if mode != "http":
        labels.report(table.RETRY_ON, f"has no effect: needs mode http, but the mode is {mode}", Severity.WARNING)
    return retries if mode == "http" else _RETRIES


def _check(labels: PortLabels, check: HealthCheck | None, mode: str) -> Check | None:
    if check is None:
        return None
    found = proxy_check(check, mode, exact=labels.exact)
    if found.kind == "http" and not (is_path(found.path) and (labels.exact or found.path.isascii())):
        message = f"expected a path that begins with /, without blanks and quotes, got {found.path[:80]!r}"
        message += "" if labels.exact else "; not checked"
        labels.problems.append(Problem(labels.app_id, "health check", message))
        return None
    return found
