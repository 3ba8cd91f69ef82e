"""What one app's owner asks for, read from its definition alone: services, and a reason for each port without one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Check, Dropped, Retries, Service
from milepost.model.snapshot import AppDefinition, AppPort, HealthCheck
from milepost.routing import labels as table
from milepost.routing.checks import matching_check, proxy_check
from milepost.routing.grammar import Hosts, Wrong, is_path
from milepost.routing.labels import Label
from milepost.routing.marathon_lb import AUTH, NETWORKS
from milepost.routing.naming import LONGEST_APP_ID, is_app_id, service_name
from milepost.routing.policy import Policy

T = TypeVar("T")

_ROUND_ROBIN = "roundrobin"
_BY_REQUEST = ("uri", "url_param", "hdr(")  # algorithms that read the request
_RETRIES = Retries()
_NO_HOSTS = Hosts((), several=False)
_RIGHT_APP_ID = f"expected an app id of letters, digits, dots, dashes and slashes, at most {LONGEST_APP_ID} of them"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service as its owner asked for it, and the positions of its ports in `Task.ports`.

    `healthy_share` is the policy's, or what its owner wants instead.
    """

    service: Service
    positions: tuple[int, ...]
    healthy_share: float


@dataclass(frozen=True, slots=True)
class AppReading:
    """What an app asks for, sorted by port. Conflicts with other apps are decided later."""

    wanted: tuple[Wanted, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Port:
    """A service port; the same number twice makes one, with the labels of the last (its Q17)."""

    index: int
    port: AppPort
    positions: tuple[int, ...]


@dataclass(slots=True)
class _Labels:
    """The labels of one port while they are read. `is_broken`: without one of them the service cannot be made."""

    app_id: str
    labels: Mapping[str, str]
    index: int
    exact: bool
    problems: list[Problem] = field(default_factory=list)
    is_broken: bool = False

    def value(self, label: Label[T], default: T, *, needed: bool = True) -> T:
        if not self.has(label):
            return default
        found = table.read(label, self.labels, self.index, exact=self.exact)
        if isinstance(found, Wrong):
            self.problems.append(table.problem_with(self.app_id, label, self.index, self.labels, found))
            self.is_broken |= needed or self.exact
            return default
        return default if found is None else found

    def has(self, label: Label[T]) -> bool:
        return label.key(self.index) in self.labels

    def is_guarded(self, guard: str) -> bool:
        return not self.exact and f"HAPROXY_{self.index}_{guard}" in self.labels

    def report_guard(self, guard: str, message: str, severity: Severity = Severity.ERROR) -> None:
        self.problems.append(Problem(self.app_id, f"HAPROXY_{self.index}_{guard}", message, severity))

    def report(self, label: Label[T], message: str, severity: Severity = Severity.ERROR) -> None:
        self.problems.append(Problem(self.app_id, label.key(self.index), message, severity))


def read_app(definition: AppDefinition, policy: Policy) -> AppReading:
    """Read all ports of an app, one after another, so that a bad one spoils only itself.

    In the exact profile a label that cannot be read leaves the whole app out, as conformance/README.md asks.
    """
    if not is_app_id(definition.id):
        return _left_out(definition, "app", _RIGHT_APP_ID)
    readings = [_read_port(definition, port, policy) for port in _ports(definition, policy)]
    problems = tuple(problem for reading in readings for problem in reading.problems)
    dropped = tuple(drop for reading in readings for drop in reading.dropped)
    wanted = [service for reading in readings for service in reading.wanted]
    if policy.exact and any(problem.severity is Severity.ERROR for problem in problems):
        why = "a label of the app cannot be read"
        return AppReading((), (Dropped(definition.id, "", None, why),), problems)
    if wanted and not policy.exact:
        problems += tuple(table.unused(definition.id, definition.labels, len(definition.ports)))
    return AppReading(_with_app_id_service(wanted), dropped, problems)


def _left_out(definition: AppDefinition, subject: str, message: str) -> AppReading:
    dropped = Dropped(definition.id, "", None, message)
    return AppReading((), (dropped,), (Problem(definition.id, subject, message),))


def _ports(definition: AppDefinition, policy: Policy) -> Iterator[_Port]:
    merged: dict[tuple[int, ...], _Port] = {}
    for index, port in enumerate(definition.ports):
        position = index if policy.exact else port.task_port
        number = -1 - index if port.service_port is None else port.service_port
        key = (number, not policy.exact and _is_udp(port))
        earlier = merged.pop(key, None)
        merged[key] = _Port(index, port, (*(earlier.positions if earlier else ()), position))
    return iter(merged.values())


def _is_udp(port: AppPort) -> bool:
    return "udp" in port.protocol.lower() and "tcp" not in port.protocol.lower()


def _read_port(definition: AppDefinition, port: _Port, policy: Policy) -> AppReading:
    labels = _Labels(definition.id, definition.labels, port.index, policy.exact)
    reason = _not_selected(labels, policy)
    if reason and not policy.exact:
        return _without(labels, reason)
    number = port.port.service_port
    if number is None:
        return _without(labels, reason or "has no service port, and none is assigned")
    if not policy.exact and (number == 0 or _is_udp(port.port)):
        return _unfit(labels, number)
    if labels.is_guarded(NETWORKS):
        message = "is not supported yet; the port is left out, since every client could reach it"
        labels.report_guard(NETWORKS, message)
        return _without(labels, message)
    service = _service(labels, definition.health_checks, number)
    if labels.is_broken or reason:
        return _without(labels, reason or labels.problems[0].message)
    share = policy.healthy_share
    if not policy.exact:
        share = labels.value(table.HEALTHY_SHARE, share, needed=False)
    return AppReading((Wanted(service, port.positions, share),), (), tuple(labels.problems))


def _without(labels: _Labels, reason: str) -> AppReading:
    return AppReading((), (Dropped(labels.app_id, "", labels.index, reason),), tuple(labels.problems))


def _unfit(labels: _Labels, number: int) -> AppReading:
    subject = f"port {number}"
    if number == 0:
        message = "expected a service port, 1 to 65535, got 0"
        labels.problems.append(Problem(labels.app_id, subject, message))
    else:
        message = "UDP only, which the balancer does not carry"
        labels.problems.append(Problem(labels.app_id, subject, message, Severity.WARNING))
    return _without(labels, message)


def _not_selected(labels: _Labels, policy: Policy) -> str:
    """Why this balancer does not take the port, "" where it does (marathon-lb-behaviour.md 10.2)."""
    of_app = table.read(table.GROUP, labels.labels, None, exact=labels.exact)
    groups = labels.value(table.GROUP, of_app if isinstance(of_app, tuple) else ())
    if "*" not in policy.groups and not set(groups) & set(policy.groups):
        return f"is in {_listed(groups)}, this balancer serves {_listed(policy.groups)}"
    if labels.value(table.ENABLED, default=not policy.strict):
        return ""
    key = table.ENABLED.key(labels.index)
    return f"{key} is {labels.labels[key]}" if key in labels.labels else f"strict mode, and {key} is not set"


def _listed(groups: tuple[str, ...]) -> str:
    names = ", ".join(repr(group) for group in groups)
    return f"group{'s' if len(groups) > 1 else ''} {names}" if groups else "no group"


def _service(labels: _Labels, checks: tuple[HealthCheck, ...], number: int) -> Service:
    check = matching_check(checks, labels.index, exact=labels.exact)
    hosts = labels.value(table.VHOST, _NO_HOSTS, needed=False)
    by_default = "http" if (check and check.protocol == "HTTP") or hosts.names else "tcp"
    mode = labels.value(table.MODE, by_default)
    port = labels.value(table.PORT, number)
    names, path = _route(labels, hosts, mode)
    return Service(
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
        several_hosts=hosts.several,
        path=path,
        check=_check(labels, check, mode),
    )


def _route(labels: _Labels, hosts: Hosts, mode: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
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
    if path and not labels.has(table.VHOST):
        labels.report(table.PATH, f"has no effect without {table.VHOST.key(labels.index)}", Severity.WARNING)
    if labels.is_guarded(AUTH):
        if hosts.names:
            labels.report_guard(AUTH, "is not supported yet; no host leads here, since nobody would be asked who it is")
            return (), ()
        labels.report_guard(AUTH, f"has no effect without {table.VHOST.key(labels.index)}", Severity.WARNING)
    return hosts.names, path if hosts.names else ()


def _balance(labels: _Labels, mode: str) -> str:
    balance = labels.value(table.BALANCE, _ROUND_ROBIN)
    if mode != "http" and not labels.exact and balance.startswith(_BY_REQUEST):
        message = f"needs mode http, but the mode is {mode}; {_ROUND_ROBIN} is used"
        labels.report(table.BALANCE, message, Severity.WARNING)
        return _ROUND_ROBIN
    return balance


def _sticky(labels: _Labels, mode: str) -> bool:
    sticky = labels.value(table.STICKY, default=False, needed=False)
    if sticky and mode != "http" and not labels.exact:
        labels.report(table.STICKY, f"has no effect: needs mode http, but the mode is {mode}", Severity.WARNING)
        return False
    return sticky


def _retries(labels: _Labels, mode: str) -> Retries:
    """marathon-lb had no such label, so the exact profile does not read it."""
    if labels.exact or not labels.has(table.RETRY_ON):
        return _RETRIES
    retries = labels.value(table.RETRY_ON, _RETRIES, needed=False)
    if mode != "http":
        labels.report(table.RETRY_ON, f"has no effect: needs mode http, but the mode is {mode}", Severity.WARNING)
    return retries if mode == "http" else _RETRIES


def _check(labels: _Labels, check: HealthCheck | None, mode: str) -> Check | None:
    if check is None:
        return None
    found = proxy_check(check, mode, exact=labels.exact)
    if found.kind == "http" and not (is_path(found.path) and (labels.exact or found.path.isascii())):
        message = f"expected a path that begins with /, without blanks and quotes, got {found.path[:80]!r}; not checked"
        labels.problems.append(Problem(labels.app_id, "health check", message))
        return None
    return found


def _with_app_id_service(wanted: list[Wanted]) -> tuple[Wanted, ...]:
    """Sorted by port; the first http service is the one that the app's id leads to (marathon-lb-behaviour.md 12)."""
    ordered = sorted(wanted, key=lambda want: (want.service.port, want.service.index))
    first = next((number for number, want in enumerate(ordered) if want.service.mode == "http"), None)
    if first is not None:
        want = ordered[first]
        ordered[first] = Wanted(replace(want.service, serves_app_id=True), want.positions, want.healthy_share)
    return tuple(ordered)
