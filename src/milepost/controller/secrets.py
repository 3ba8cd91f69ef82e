"""What of an app must not be shown to whoever asks. Pure."""

import re
from collections.abc import Mapping
from dataclasses import replace

from milepost.model.routing import RoutingTable, Service
from milepost.model.snapshot import App, Snapshot

HIDDEN = "(hidden)"
# Labels that hold a password or its hash: realm:user:password, the text of a user list (marathon-lb-behaviour.md 10).
_SECRET_LABEL = re.compile(
    r"^HAPROXY_(\d+_)?(AUTH|USERLIST_HEAD)$|PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|(API|ACCESS|PRIVATE)[_.-]?KEY",
    re.IGNORECASE,
)
_LIST_OF_USERS = "USERLIST_HEAD"
_SECRET_LINE = re.compile(
    r"^(\s*user\s+\S+\s+(?:insecure-)?password\s+|\s*stats\s+auth\s+)\S.*?(?=\s+groups\s|$)", re.M
)
_SECRET_HEADER = re.compile(r"((?:-header|hdr)\s+(?:[Pp]roxy-)?[Aa]uthorization\s+)\S.*")


def shown_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels, with the values of those that hold secrets hidden, and passwords in pieces of HAProxy's text."""
    return {name: HIDDEN if _SECRET_LABEL.search(name) else shown_config(value) for name, value in labels.items()}


def without_secrets(snapshot: Snapshot) -> Snapshot:
    """The snapshot as it may be shown."""
    return replace(snapshot, apps={app_id: _shown_app(app) for app_id, app in snapshot.apps.items()})


def without_passwords(table: RoutingTable) -> RoutingTable:
    """The table as it may be shown; the very same where nothing in it is secret."""
    if not any(service.auth or service.templates for service in table.services):
        return table
    return replace(table, services=tuple(map(_shown_service, table.services)))


def shown_config(text: str) -> str:
    """HAProxy's text with passwords hidden: of its user lists, of its statistics page, and those that it sends on."""
    shown = _SECRET_LINE.sub(lambda match: match[1] + HIDDEN, text)
    if "uthorization" not in shown:  # as good as always; the search for it takes as long as the one before
        return shown
    return _SECRET_HEADER.sub(lambda match: match[1] + HIDDEN, shown)


def _shown_service(service: Service) -> Service:
    auth = service.auth and replace(service.auth, password=HIDDEN)
    own = service.templates.items()
    templates = {name: HIDDEN if name == _LIST_OF_USERS else shown_config(text) for name, text in own}
    return replace(service, auth=auth, templates=templates)


def _shown_app(app: App) -> App:
    return replace(app, definition=replace(app.definition, labels=shown_labels(app.definition.labels)))
