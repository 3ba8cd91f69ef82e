"""What one app's owner asks for, read from its definition alone: services, and a reason for each port without one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Dropped, ServerTls, Service
from milepost.model.snapshot import AppDefinition, AppPort
from milepost.routing import labels as table
from milepost.routing.checked_port import CheckedPort
from milepost.routing.label import read
from milepost.routing.naming import LONGEST_APP_ID, is_app_id
from milepost.routing.own_texts import Reviewed
from milepost.routing.policy import Policy
from milepost.routing.port_labels import PortLabels
from milepost.routing.service_reading import service_of
from milepost.routing.unused import unused

_RIGHT_APP_ID = f"expected an app id of letters, digits, dots, dashes and slashes, at most {LONGEST_APP_ID} of them"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service as its owner asked for it, and the positions of its ports in `Task.ports`.

    `healthy_share` is the policy's, or what its owner wants instead. `checked_port` is None where its own is checked.
    """

    service: Service
    positions: tuple[int, ...]
    healthy_share: float
    checked_port: CheckedPort | None = None


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


def read_app(definition: AppDefinition, policy: Policy) -> AppReading:
    """Read all ports of an app, one after another, so that a bad one spoils only itself.

    In the exact profile a label that cannot be read leaves the whole app out, as conformance/README.md asks.
    """
    if not is_app_id(definition.id):
        return _left_out(definition, "app", _RIGHT_APP_ID)
    if definition.id in policy.skipped:
        return AppReading((), (Dropped(definition.id, "", None, "is left out by the setting routing.skip"),))
    ports = tuple(_ports(definition, policy))
    readings = [_read_port(definition, port, policy, ports) for port in ports]
    problems = tuple(problem for reading in readings for problem in reading.problems)
    dropped = tuple(drop for reading in readings for drop in reading.dropped)
    wanted = [service for reading in readings for service in reading.wanted]
    if policy.exact and any(problem.severity is Severity.ERROR for problem in problems):
        why = "a label of the app cannot be read"
        told = tuple(replace(problem, message=f"{problem.message}; the app is left out") for problem in problems)
        return AppReading((), (Dropped(definition.id, "", None, why),), told)
    if wanted and not policy.exact:
        problems += tuple(unused(definition.id, definition.labels, len(definition.ports)))
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


def _read_port(definition: AppDefinition, port: _Port, policy: Policy, ports: Sequence[_Port]) -> AppReading:
    labels = PortLabels(definition.id, definition.labels, port.index, policy.exact)
    reason = _not_selected(labels, policy)
    if reason and not policy.exact:
        return _without(labels, reason)
    number = port.port.service_port
    if number is None:
        return _without(labels, reason or "has no service port, and none is assigned")
    if not policy.exact and (number == 0 or _is_udp(port.port)):
        return _unfit(labels, number)
    service = service_of(labels, definition.health_checks, number)
    if service.server_tls is ServerTls.VERIFIED and not policy.verifies_servers:
        message = "needs the setting haproxy.server_ca_file; the port is left out, since nobody could be trusted"
        labels.report(table.SERVER_TLS, message)
        return _without(labels, message)
    if service.passes_tls and not policy.serves_tls:
        labels.report(table.SNI_PASSTHROUGH, "needs the HTTPS port, which is off here; no host leads here")
        service = replace(service, hosts=(), passes_tls=False)
    if labels.is_broken or reason:
        return _without(labels, reason or _words(labels.problems[0]))
    reviewed = Reviewed(service) if policy.exact else _with_texts(service, policy)
    labels.problems += reviewed.problems
    if reviewed.service is None:
        return _without(labels, f"its own text is refused: {reviewed.problems[-1].message}")
    service = reviewed.service
    share = policy.healthy_share
    if not policy.exact:
        share = labels.value(table.HEALTHY_SHARE, share, needed=False)
    checked = None if service.check is None else _checked_port(labels, ports)
    return AppReading((Wanted(service, port.positions, share, checked),), (), tuple(labels.problems))


def _words(problem: Problem) -> str:
    return f"{problem.subject}: {problem.message}"


def _with_texts(service: Service, policy: Policy) -> Reviewed:
    """With those of the owner's texts that it may have, and the operator's beside them."""
    own = policy.review(service) if service.templates else Reviewed(service)
    if own.service is None or policy.complete is None:
        return own
    whole = policy.complete(own.service)
    return Reviewed(whole.service, (*own.problems, *whole.problems))


def _checked_port(labels: PortLabels, ports: Sequence[_Port]) -> CheckedPort | None:
    """The order of an app's ports is that of where they listen, whether this balancer takes them or not (11.3)."""
    index = labels.optional(table.BACKEND_HEALTHCHECK_PORT_INDEX)
    if index is None:
        return None
    ordered = sorted(ports, key=lambda port: (_listens_at(port, labels), port.index))
    checked = CheckedPort(index, tuple(port.positions for port in ordered))
    if not checked.is_in_range and not labels.exact:
        message = f"expected the index of one of the app's {len(ports)} ports, got {index}; the port itself is checked"
        labels.report(table.BACKEND_HEALTHCHECK_PORT_INDEX, message, Severity.WARNING)
        return None
    return checked


def _listens_at(port: _Port, labels: PortLabels) -> int:
    number = read(table.PORT, labels.labels, port.index, exact=labels.exact)
    return number if isinstance(number, int) else port.port.service_port or 0


def _without(labels: PortLabels, reason: str) -> AppReading:
    return AppReading((), (Dropped(labels.app_id, "", labels.index, reason),), tuple(labels.problems))


def _unfit(labels: PortLabels, number: int) -> AppReading:
    subject = f"port {number}"
    if number == 0:
        message = "expected a service port, 1 to 65535, got 0"
        labels.problems.append(Problem(labels.app_id, subject, message))
    else:
        message = "UDP only, which the balancer does not carry"
        labels.problems.append(Problem(labels.app_id, subject, message, Severity.WARNING))
    return _without(labels, message)


def _not_selected(labels: PortLabels, policy: Policy) -> str:
    """Why this balancer does not take the port, "" where it does (marathon-lb-behaviour.md 10.2)."""
    of_app = read(table.GROUP, labels.labels, None, exact=labels.exact)
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


def _with_app_id_service(wanted: list[Wanted]) -> tuple[Wanted, ...]:
    """Sorted by port; the first http service is the one that the app's id leads to (marathon-lb-behaviour.md 12)."""
    ordered = sorted(wanted, key=lambda want: (want.service.port, want.service.index))
    first = next((number for number, want in enumerate(ordered) if want.service.mode == "http"), None)
    if first is not None:
        want = ordered[first]
        ordered[first] = replace(want, service=replace(want.service, serves_app_id=True))
    return tuple(ordered)
