"""The labels of a port that keep clients out. What cannot be read never leaves open what it guards."""

from dataclasses import dataclass, replace

from milepost.model.problem import Severity
from milepost.model.routing import Auth
from milepost.routing import labels as table
from milepost.routing.port_labels import PortLabels


@dataclass(frozen=True, slots=True)
class Guards:
    """See `Service`. Where they are not readable no host may lead to the port."""

    auth: Auth | None = None
    redirects_to_https: bool = False
    networks: tuple[str, ...] = ()
    are_readable: bool = True


NO_GUARDS = Guards()


def read_guards(labels: PortLabels, mode: str) -> Guards:
    """What guards the hosts alone closes only these when it cannot be read; what guards the port leaves it out."""
    is_everywhere = labels.value(table.AUTH_EVERYWHERE, default=False)
    networks = labels.value(table.BACKEND_NETWORK_ALLOWED_ACL, ())
    known = len(labels.problems)
    auth = labels.optional(table.AUTH, needed=is_everywhere)
    redirects_to_https = labels.value(table.REDIRECT_TO_HTTPS, default=False, needed=False)
    are_readable = len(labels.problems) == known
    if is_everywhere:
        auth = _everywhere(labels, auth, mode)
    return Guards(auth, redirects_to_https, networks, are_readable)


def _everywhere(labels: PortLabels, auth: Auth | None, mode: str) -> Auth | None:
    if not labels.has(table.AUTH):
        message = f"has no effect without {table.AUTH.key(labels.index)}"
        labels.report(table.AUTH_EVERYWHERE, message, Severity.WARNING)
    elif mode != "http":
        labels.report(table.AUTH_EVERYWHERE, f"needs mode http, but the mode is {mode}; the port is left out")
        labels.is_broken = True
    return None if auth is None else replace(auth, is_everywhere=True)
