"""What of an app must not be shown to whoever asks. Pure."""

import re
from collections.abc import Mapping
from dataclasses import replace

from milepost.model.snapshot import App, Snapshot

HIDDEN = "(hidden)"
# Labels that hold a password or its hash: realm:user:password, the text of a user list (marathon-lb-behaviour.md 10).
_SECRET_LABEL = re.compile(
    r"^HAPROXY_(\d+_)?(AUTH|USERLIST_HEAD)$|PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|(API|ACCESS|PRIVATE)[_.-]?KEY",
    re.IGNORECASE,
)
_SECRET_LINE = re.compile(
    r"^(\s*user\s+\S+\s+(?:insecure-)?password\s+|\s*stats\s+auth\s+|.*\s(?:(?:add|set)-header|hdr)\s+"
    r"(?:proxy-)?authorization\s+)\S.*?(?=\s+groups\s|$)",
    re.M | re.I,
)


def shown_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels, with the values of those that hold secrets hidden."""
    return {name: HIDDEN if _SECRET_LABEL.search(name) else value for name, value in labels.items()}


def without_secrets(snapshot: Snapshot) -> Snapshot:
    """The snapshot as it may be shown."""
    return replace(snapshot, apps={app_id: _shown_app(app) for app_id, app in snapshot.apps.items()})


def shown_config(text: str) -> str:
    """HAProxy's text with passwords hidden: of its user lists, of its statistics page, and those that it sends on."""
    return _SECRET_LINE.sub(lambda match: match[1] + HIDDEN, text)


def _shown_app(app: App) -> App:
    return replace(app, definition=replace(app.definition, labels=shown_labels(app.definition.labels)))
