"""Services that speak TLS themselves under their hosts: what their labels come to."""

from milepost.model.problem import Severity
from milepost.routing import labels as table
from milepost.routing.grammar import Hosts
from milepost.routing.grammar_hosts import is_pattern
from milepost.routing.guards import Guards
from milepost.routing.port_labels import PortLabels


def wants_passthrough(labels: PortLabels) -> bool:
    return not labels.exact and labels.value(table.SNI_PASSTHROUGH, default=False)


def passed_hosts(
    labels: PortLabels, hosts: Hosts, mode: str, guards: Guards
) -> tuple[tuple[str, ...], tuple[str, ...]]:
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
    if guards.auth is not None:
        labels.report(table.AUTH, "cannot be asked for inside TLS; no host leads here")
    if guards.auth is not None or not guards.are_readable:
        return (), ()
    if guards.redirects_to_https:
        message = "has no effect: the HTTP port does not lead to tasks that speak TLS"
        labels.report(table.REDIRECT_TO_HTTPS, message, Severity.WARNING)
    return names, ()
