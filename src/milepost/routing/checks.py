"""From an app's health checks to the one check that the proxy makes (marathon-lb-behaviour.md 11)."""

from milepost.model.routing import Check
from milepost.model.snapshot import HealthCheck

_TCP = frozenset({"TCP", "MESOS_TCP"})
_TLS = frozenset({"HTTPS", "MESOS_HTTPS"})
_LONGEST_S = 86_400
_MOST_FAILURES = 1_000_000


def matching_check(checks: tuple[HealthCheck, ...], index: int, *, exact: bool) -> HealthCheck | None:
    """The first check with a port of its own, or with the index of this service port.

    A command is run by the scheduler alone: only marathon-lb made a request of it (case check-command-with-port-index).
    """
    for check in checks:
        if check.port is None and check.port_index != index:
            continue
        if exact or check.protocol != "COMMAND":
            return check
    return None


def proxy_check(check: HealthCheck, mode: str, *, exact: bool) -> Check:
    """The proxy's form of it: its kind follows the service's mode, the protocol only tells tcp or not (11.2).

    marathon-lb asked over plain HTTP whatever it said (its Q25), which a task that speaks TLS never answers well.

    Numbers that HAProxy does not take are brought to the nearest that it takes; `exact` leaves them as they are.
    """
    kind = "tcp" if mode == "tcp" or check.protocol in _TCP else "http" if mode == "http" else ""
    return Check(
        kind=kind,
        path=check.path,
        interval_s=check.interval_s if exact else _bounded(check.interval_s),
        timeout_s=check.timeout_s if exact else _bounded(check.timeout_s),
        fall=check.max_consecutive_failures + 1 if exact else min(check.max_consecutive_failures, _MOST_FAILURES) + 1,
        port=check.port,
        is_tls=kind == "http" and check.protocol in _TLS and not exact,
        asked=check if exact else None,
    )


def _bounded(seconds: int) -> int:
    """HAProxy takes no time of 0 here, and none over 24 days."""
    return min(max(seconds, 1), _LONGEST_S)
