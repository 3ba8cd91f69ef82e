"""What one port of an app asks for, as a service: read from its labels."""

from dataclasses import replace

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Binding, Check, Retries, Rewrites, Service
from milepost.model.snapshot import HealthCheck
from milepost.routing import labels as table
from milepost.routing.checks import matching_check, proxy_check
from milepost.routing.grammar import Hosts, is_path
from milepost.routing.grammar_hosts import EVERY_HOST
from milepost.routing.marathon_lb import AUTH, own_templates
from milepost.routing.naming import service_name
from milepost.routing.own_labels import with_own_labels
from milepost.routing.passthrough import passed_hosts, wants_passthrough
from milepost.routing.port_labels import PortLabels

_ROUND_ROBIN = "roundrobin"
_BY_REQUEST = ("uri", "url_param", "hdr(")  # algorithms that read the request
_RETRIES = Retries()
_NO_HOSTS = Hosts((), several=False)


def service_of(labels: PortLabels, checks: tuple[HealthCheck, ...], number: int) -> Service:
    check = matching_check(checks, labels.index, exact=labels.exact)
    hosts = labels.value(table.VHOST, _NO_HOSTS, needed=False)
    by_default = "http" if (check and check.protocol == "HTTP") or hosts.names else "tcp"
    passes_tls = wants_passthrough(labels)
    mode = labels.value(table.MODE, "tcp" if passes_tls else by_default)
    port = labels.value(table.PORT, number)
    names, path = passed_hosts(labels, hosts, mode) if passes_tls else _route(labels, hosts, mode)
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
        several_hosts=hosts.several,
        path=path,
        check=_check(labels, check, mode),
    )
    return _with_labels_of_marathon_lb(service, labels) if labels.exact else with_own_labels(service, labels)


def _with_labels_of_marathon_lb(service: Service, labels: PortLabels) -> Service:
    """What only marathon-lb's own text has so far."""
    weight = labels.value(table.BACKEND_WEIGHT, 0)
    text = labels.labels.get(table.VHOST.key(labels.index))
    return replace(
        service,
        host_label=None if text is None else text.lower(),
        weight=1 if weight == 0 and service.path else weight,
        auth=labels.optional(table.AUTH),
        redirects_to_https=labels.value(table.REDIRECT_TO_HTTPS, default=False),
        networks=labels.value(table.BACKEND_NETWORK_ALLOWED_ACL, ()),
        rewrites=_rewrites(labels),
        binding=Binding(labels.optional(table.SSL_CERT), labels.value(table.BIND_OPTIONS, "")),
        templates=own_templates(labels.labels, labels.index),
    )


def _rewrites(labels: PortLabels) -> Rewrites:
    return Rewrites(
        labels.value(table.USE_HSTS, default=False),
        labels.value(table.HTTP_BACKEND_PROXYPASS_PATH, ""),
        labels.value(table.HTTP_BACKEND_REVPROXY_PATH, ""),
        labels.value(table.HTTP_BACKEND_REDIR, ""),
    )


def _route(labels: PortLabels, hosts: Hosts, mode: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The hosts and the path that lead here. Without a path that can be read its hosts lead nowhere: to lead
    every path here would take what belongs to others."""
    known = len(labels.problems)
    path = labels.value(table.PATH, (), needed=False)
    if labels.exact:
        return hosts.names, path
    if len(labels.problems) > known:
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
    if labels.is_guarded(AUTH):
        if names:
            labels.report_guard(AUTH, "is not supported yet; no host leads here, since nobody would be asked who it is")
            return (), ()
        labels.report_guard(AUTH, f"has no effect without {table.VHOST.key(labels.index)}", Severity.WARNING)
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
        message = f"expected a path that begins with /, without blanks and quotes, got {found.path[:80]!r}; not checked"
        labels.problems.append(Problem(labels.app_id, "health check", message))
        return None
    return found
