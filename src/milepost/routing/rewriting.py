"""What a port's owner wants to be changed in its requests and answers."""

from typing import Any

from milepost.model.problem import Severity
from milepost.model.routing import Rewrites
from milepost.routing import labels as table
from milepost.routing.label import Label
from milepost.routing.port_labels import PortLabels

_NONE = Rewrites()
_LABELS: tuple[Label[Any], ...] = (
    table.USE_HSTS,
    table.HTTP_BACKEND_PROXYPASS_PATH,
    table.HTTP_BACKEND_REVPROXY_PATH,
    table.HTTP_BACKEND_REDIR,
)


def read_rewrites(labels: PortLabels, mode: str) -> Rewrites:
    """One that cannot be read is left out, as is every one where the mode is not http."""
    if not any(labels.has(label) for label in _LABELS):
        return _NONE
    wanted = Rewrites(
        hsts=labels.value(table.USE_HSTS, default=False, needed=False),
        proxypass_path=labels.value(table.HTTP_BACKEND_PROXYPASS_PATH, "", needed=False),
        revproxy_path=labels.value(table.HTTP_BACKEND_REVPROXY_PATH, "", needed=False),
        root_redirect=labels.value(table.HTTP_BACKEND_REDIR, "", needed=False),
    )
    if mode == "http":
        return wanted
    asked = (wanted.hsts, wanted.proxypass_path, wanted.revproxy_path, wanted.root_redirect)
    for label, is_asked in zip(_LABELS, asked, strict=True):
        if is_asked:
            labels.report(label, f"has no effect: needs mode http, but the mode is {mode}", Severity.WARNING)
    return _NONE
