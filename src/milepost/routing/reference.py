"""docs/labels.md, made from the table of labels: `python -m milepost.routing.reference > docs/labels.md`."""

import sys
from collections.abc import Iterator
from typing import Any

from milepost.routing.label import Label, Scope
from milepost.routing.labels import TABLE
from milepost.routing.marathon_lb import HARMLESS, WITHOUT_EFFECT

_HEAD = """# Labels

The owner of an app asks for traffic by labels in the app's definition. `HAPROXY_{n}_NAME` is about the app's service
port with index n, counted from 0; `HAPROXY_NAME` is about the whole app. Names and meanings are marathon-lb's where
nothing else is said; [conformance.md](conformance.md) lists the differences.

A value that cannot be read is a problem of its port: what is wrong, and what would be right, is told by
`milepost lint`, `milepost explain APP` and `GET /v1/problems`. That port is left out, all others go on. Of STICKY,
RETRY_ON, VHOST, HEALTHY_SHARE, the TIMEOUTs, USE_HSTS, BACKEND_WEIGHT and the labels that begin with HTTP_BACKEND only
what they ask for is left out, and the port is served. With a PATH, AUTH or REDIRECT_TO_HTTPS that cannot be read the
hosts of the port lead nowhere: they would else take every path, or let in whom they should not.

A value never reaches HAProxy unread: quotes, backslashes, `#`, `$`, braces and line ends are refused, but for the signs
of a password's hash. What owners may write in HAProxy's own words is said under [templates](#templates).

This page is made from the table that milepost reads the labels by; `python -m milepost.routing.reference` prints it.
"""

_TAIL = """## Templates

`HAPROXY_{{n}}_NAME` with the name of one of marathon-lb's templates puts the owner's lines in the place of the usual
ones; placeholders such as `{{backend}}` are replaced, `{{{{` and `}}}}` stand for braces, and all placeholders of a
service may be used in each. An empty text is one too: a port with an empty FRONTEND_HEAD has no listener of its own.

Each line is read before HAProxy sees it, and what it may say depends on the setting `policy.raw`
([why](decisions/raw-text.md)). A line that is refused is a problem that names it. Then the usual text is used;
but where the template may hold who is let in, the port is left out: all but {harmless}.

- of its own frontend: `FRONTEND_HEAD`, `FRONTEND_BACKEND_GLUE`. It may bind its own port only; a bind to `*` goes to
  the setting `haproxy.bind`. milepost's lines for reloads without loss are added.
- of its backend and list of users: `BACKEND_HEAD`, `USERLIST_HEAD`, the `..._OPTIONS`, `..._GLUE` and
  `..._NETWORK_ALLOWED_ACL`. As with marathon-lb some have a place only with the label that they belong to.
- of its servers: `BACKEND_SERVER_OPTIONS` is one `server` line to the task's address, on any port;
  `BACKEND_SERVER_..._HEALTHCHECK_OPTIONS` are words of it. Where HAProxy does not take these words at run time a new
  task needs a reload.
- of the shared frontends: `HTTP_FRONTEND_...`, `HTTPS_FRONTEND_...`, `BACKEND_REDIRECT_HTTP_TO_HTTPS...`. Of the
  templates that marathon-lb would have chosen for the port, those that are replaced say when its hosts lead to it: a
  `use_backend` is bound to the hosts and paths of the port, rules that choose no backend move to its backend, and its
  acls get names of their own. A pattern of VHOST stands in `{{hostname}}` as it is written; the usual lines beside it
  know what it means. With HTTP_FRONTEND_APPID_ACL the same holds on the app-id port.
- without effect: {idle}, since hosts and app ids lead to apps through maps anyway.
"""


def labels_page() -> str:
    """The whole page as Markdown."""
    tail = _TAIL.format(harmless=_listed(HARMLESS), idle=_listed(WITHOUT_EFFECT))
    return "\n".join((_HEAD, *("\n".join(_entry(label)) for label in TABLE), tail))


def _entry(label: Label[Any]) -> Iterator[str]:
    names = [f"`HAPROXY_{{n}}_{label.name}`"] if Scope.PORT in label.scope else []
    if Scope.APP in label.scope:
        names.append(f"`HAPROXY_{label.name}`")
    yield f"## {label.name}\n"
    yield f"{', '.join(names)}. Without it: {label.default}.\n"
    yield f"{label.help}\n"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


if __name__ == "__main__":
    sys.stdout.write(labels_page())
