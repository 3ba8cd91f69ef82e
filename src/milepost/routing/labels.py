"""The labels that owners write, as one table: parser, reference page and tests all read it.

`HAPROXY_{n}_NAME` belongs to the app's port with index n, `HAPROXY_NAME` to the whole app. The names and
meanings are marathon-lb's (marathon-lb-behaviour.md 10), but for RETRY_ON, which is our own.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from functools import lru_cache
from itertools import islice
from typing import Any, Generic, TypeVar

from milepost.model.problem import Problem, Severity
from milepost.routing import grammar, marathon_lb
from milepost.routing.grammar import Parser, Wrong

T = TypeVar("T")


class Scope(Flag):
    """Where a label stands: once for the app, or for one of its ports."""

    APP = auto()
    PORT = auto()


@dataclass(frozen=True, slots=True)
class Label(Generic[T]):
    """One label. `default` describes what holds without it; `exact` reads it as marathon-lb did."""

    name: str
    scope: Scope
    read: Parser[T]
    exact: Parser[T]
    default: str
    help: str

    def key(self, index: int | None) -> str:
        return f"HAPROXY_{self.name}" if index is None else f"HAPROXY_{index}_{self.name}"


GROUP = Label(
    "GROUP",
    Scope.APP | Scope.PORT,
    grammar.read_groups,
    grammar.read_groups_as_written,
    "none",
    "Groups, separated by commas. A port is taken by the balancers that serve one of them. The label of a port "
    "replaces that of the app, also when it is empty.",
)
ENABLED = Label(
    "ENABLED",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth_as_written,
    "true, in strict mode false",
    "Whether the port is served at all.",
)
PORT = Label(
    "PORT",
    Scope.PORT,
    grammar.read_port,
    grammar.read_port_as_written,
    "the service port",
    "The port on which the balancer listens for this port of the app.",
)
BIND_ADDR = Label(
    "BIND_ADDR",
    Scope.PORT,
    grammar.read_bind_address,
    grammar.read_bind_address_as_written,
    "the balancer's own addresses",
    "The address on which the balancer listens for this port: an IP address, or * for all. The shared ports for "
    "hosts and app ids do not change with it.",
)
MODE = Label(
    "MODE",
    Scope.PORT,
    grammar.read_mode,
    grammar.read_mode_as_written,
    "http with an HTTP health check or a VHOST, else tcp",
    "What is balanced: the requests of http, or the connections of tcp.",
)
BALANCE = Label(
    "BALANCE",
    Scope.PORT,
    grammar.read_balance,
    grammar.read_balance_as_written,
    "roundrobin",
    "How a server is chosen: an algorithm of HAProxy's `balance` with its arguments.",
)
STICKY = Label(
    "STICKY",
    Scope.PORT,
    grammar.read_truth,
    grammar.read_truth_as_written,
    "false",
    "Whether a client comes back to the server it was at before, by a cookie.",
)
RETRY_ON = Label(
    "RETRY_ON",
    Scope.PORT,
    grammar.read_retries,
    grammar.read_retries,
    "conn-failure, empty-response",
    "After which failures a request is sent again, to another task: conn-failure (no connection), empty-response (the "
    "task closed it without an answer), junk-response, response-timeout, or a status such as 503; none for never. The "
    "list is the whole: conn-failure has to be named too. After a failed connection every request is sent again; after "
    "any other failure the task may have done what it was asked, and only GET, HEAD and OPTIONS are. With any-method "
    "in the list all are: for apps that may be asked twice for the same. Needs mode http.",
)
VHOST = Label(
    "VHOST",
    Scope.PORT,
    grammar.read_hosts,
    grammar.read_hosts_as_written,
    "none",
    "Host names, separated by commas, under which the shared HTTP and HTTPS ports lead here. Upper and lower case "
    "are the same; a port behind a name is ignored. Needs mode http.",
)
PATH = Label(
    "PATH",
    Scope.PORT,
    grammar.read_path,
    grammar.read_path_as_written,
    "every path",
    "Beginnings of paths, separated by blanks, to which VHOST is limited; -i before them for any case.",
)
HEALTHY_SHARE = Label(
    "HEALTHY_SHARE",
    Scope.PORT,
    grammar.read_share,
    grammar.read_share,
    "the setting `routing.healthy_share`",
    "Where less than this share (0 to 1) of the running tasks that were alive once still are, the others serve on; 0 "
    "takes each out that is not alive, as marathon-lb does. milepost's own label.",
)

TABLE: tuple[Label[Any], ...] = (
    GROUP,
    ENABLED,
    PORT,
    BIND_ADDR,
    MODE,
    BALANCE,
    STICKY,
    RETRY_ON,
    VHOST,
    PATH,
    HEALTHY_SHARE,
)

_MOST_WARNINGS = 20  # of one app
_KEY = re.compile(r"HAPROXY_(?:(0|[1-9][0-9]*)_)?(.+)", re.DOTALL)


def read(label: Label[T], labels: Mapping[str, str], index: int | None, *, exact: bool) -> T | Wrong | None:
    """The value that the owner gave, None where the label is absent."""
    text = labels.get(label.key(index))
    if text is None:
        return None
    return label.exact(text) if exact else label.read(text)


def problem_with(app_id: str, label: Label[Any], index: int | None, labels: Mapping[str, str], wrong: Wrong) -> Problem:
    key = label.key(index)
    return Problem(app_id, key, f"expected {wrong.right}, got {labels[key][:80]!r}")


def unused(app_id: str, labels: Mapping[str, str], ports: int) -> Iterator[Problem]:
    """A warning for each label that looks like one of ours but has no effect. `ports`: how many the app has.

    For the first of them only: an app with thousands would keep all others waiting.
    """
    ours = (key for key in labels if key.startswith("HAPROXY_"))
    reasons = ((key, message) for key in ours if (message := _why_unused(key, ports)))
    for key, message in islice(reasons, _MOST_WARNINGS):
        yield Problem(app_id, key, message, Severity.WARNING)


@lru_cache(maxsize=4096)  # most apps have the same few
def _why_unused(key: str, ports: int) -> str:
    match = _KEY.fullmatch(key)
    index, name = match.groups() if match else (None, "")
    scope = Scope.APP if index is None else Scope.PORT
    is_guard = scope is Scope.PORT and name in marathon_lb.GUARDS  # who reads the port tells what comes of it
    if is_guard or any(label.name == name and scope in label.scope for label in TABLE):
        is_beyond = index is not None and (len(index) > 5 or int(index) >= ports)
        return f"has no effect: the app has {ports} service ports, counted from 0" if is_beyond else ""
    if name in (marathon_lb.OF_APPS if scope is Scope.APP else marathon_lb.OF_PORTS):
        return "not supported yet, ignored"
    return f"unknown label, ignored{_nearest(index, name)}"


def _nearest(index: str | None, name: str) -> str:
    found = _nearest_name(name.upper())
    if not found:
        return ""
    is_of_app = found in marathon_lb.OF_APPS or (found == GROUP.name and index is None)
    return f"; did you mean HAPROXY_{'' if is_of_app else f'{index or 0}_'}{found}?"


@lru_cache(maxsize=1024)  # a millisecond each, and many apps make one mistake
def _nearest_name(name: str) -> str:
    known = [label.name for label in TABLE] + sorted(marathon_lb.OF_PORTS | marathon_lb.OF_APPS)
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")
