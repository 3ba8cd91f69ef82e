"""docs/labels.md, made from the table of labels: `python -m milepost.routing.reference > docs/labels.md`."""

import sys
from collections.abc import Iterator
from typing import Any

from milepost.routing.label import Label, Scope
from milepost.routing.labels import TABLE
from milepost.routing.marathon_lb import OF_APPS, OF_PORTS

_HEAD = """# Labels

The owner of an app asks for traffic by labels in the app's definition. `HAPROXY_{n}_NAME` is about the app's service
port with index n, counted from 0; `HAPROXY_NAME` is about the whole app. Names and meanings are marathon-lb's where
nothing else is said; [conformance.md](conformance.md) lists the differences.

A value that cannot be read is a problem of its port: what is wrong, and what would be right, is told by
`milepost lint`, `milepost explain APP` and `GET /v1/problems`. That port is left out, all others go on. Of STICKY,
RETRY_ON, VHOST, PATH, HEALTHY_SHARE and the TIMEOUTs only what they ask for is left out, and the port is served. With a
PATH that cannot be read its hosts lead nowhere, since they would else take every path.

A label's text never reaches HAProxy unread: quotes, backslashes, `#`, `$`, braces and line ends are refused.

This page is made from the table that milepost reads the labels by; `python -m milepost.routing.reference` prints it.
"""

_TAIL = """## Not supported yet

These labels of marathon-lb are known, and a warning says that they have no effect. Two of them keep clients out, and
what is meant to be closed must not be open: with AUTH no host leads to the port, with BACKEND_NETWORK_ALLOWED_ACL the
port is left out.

- of the app: {apps}
- of a port: {ports}
"""


def labels_page() -> str:
    """The whole page as Markdown."""
    tail = _TAIL.format(apps=_listed(OF_APPS), ports=_listed(OF_PORTS))
    return "\n".join((_HEAD, *("\n".join(_entry(label)) for label in TABLE), tail))


def _entry(label: Label[Any]) -> Iterator[str]:
    names = [f"`HAPROXY_{{n}}_{label.name}`"]
    if Scope.APP in label.scope:
        names.append(f"`HAPROXY_{label.name}`")
    yield f"## {label.name}\n"
    yield f"{', '.join(names)}. Without it: {label.default}.\n"
    yield f"{label.help}\n"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


if __name__ == "__main__":
    sys.stdout.write(labels_page())
