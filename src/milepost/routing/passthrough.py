"""Services that speak TLS themselves under their hosts: what their labels come to."""

from milepost.model.problem import Severity
from milepost.routing import labels as table
from milepost.routing.grammar import Hosts
from milepost.routing.grammar_hosts import is_pattern
from milepost.routing.marathon_lb import AUTH
from milepost.routing.port_labels import PortLabels


def wants_passthrough(labels: PortLabels) -> bool:
    return not labels.exact and labels.value(table.SNI_PASSTHROUGH, default=False)


def passed_hosts(labels: PortLabels, hosts: Hosts, mode: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The hosts that lead to it, and no path, which is encrypted with all the rest. Nothing is asked of clients either,
    so that a host with a login leads nowhere."""
    names = tuple(host for host in hosts.names if not is_pattern(host))
    if mode != "tcp":
        labels.report(table.SNI_PASSTHROUGH, f"needs mode tcp, but the mode is {mode}; no host leads here")
        return (), ()
    if len(names) < len(hosts.names):
        labels.report(table.SNI_PASSTHROUGH, "needs names in VHOST; its patterns lead nowhere")
    if not hosts.names:
        key = table.VHOST.key(labels.index)
        labels.report(table.SNI_PASSTHROUGH, f"has no effect without {key}", Severity.WARNING)
    if labels.has(table.PATH):
        labels.report(table.PATH, "has no effect: the path is encrypted with all the rest", Severity.WARNING)
    if labels.is_guarded(AUTH):
        labels.report_guard(AUTH, "cannot be asked for inside TLS; no host leads here")
        return (), ()
    return names, ()
