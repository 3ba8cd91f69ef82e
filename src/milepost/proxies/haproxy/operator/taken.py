"""Which of an operator's lines go into `global` and `defaults`, and what to set instead of those that cannot. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from milepost.proxies.haproxy.raw.review import SECTIONS
from milepost.proxies.haproxy.raw.words import Line

_FILES = "it follows from the limit of open files that milepost is started with (LimitNOFILE of its unit)"
_USER = "set haproxy.user and haproxy.group"
_MASTER = "milepost starts HAProxy, with a master process and as many workers as it needs"
_SERVERS = "milepost knows the servers itself, also over a reload"
_RULE = "HAProxy takes no rules there; they may stand in the templates HTTP_FRONTEND_HEAD and BACKEND_HTTP_OPTIONS"

_OWNED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "global": {
            **dict.fromkeys(("maxconn", "ulimit-n", "strict-limits"), _FILES),
            **dict.fromkeys(("user", "group", "uid", "gid"), _USER),
            "chroot": "files that HAProxy reads at run time lie elsewhere; the unit of milepost can shut it in",
            **dict.fromkeys(("daemon", "master-worker", "mworker-max-reloads", "nbproc", "pidfile"), _MASTER),
            **dict.fromkeys(("server-state-file", "server-state-base"), _SERVERS),
            "stats": "the socket is milepost's; its place is the setting haproxy.admin_socket",
            "hard-stop-after": "set haproxy.hard_stop_after_s",
            "description": "milepost knows by it what runs",
        },
        "defaults": {
            **dict.fromkeys(("acl", "http-request", "http-response", "http-after-response"), _RULE),
            **dict.fromkeys(("tcp-request", "tcp-response", "use_backend", "default_backend"), _RULE),
            "mode": "it is http or tcp for each port: label HAPROXY_{n}_MODE",
            "load-server-state-from-file": _SERVERS,
            "default-server": "a task that comes at run time would not have it; see template BACKEND_SERVER_OPTIONS",
            "retry-on": "it is said for each port: label HAPROXY_{n}_RETRY_ON",
            "option nolinger": "answers that are on their way would be cut",
            "no option redispatch": "a task that dies would cost requests",
            "no option idle-close-on-response": "a reload would cost requests",
        },
    }
)
_THERE: Mapping[str, frozenset[str]] = MappingProxyType(
    {"global": frozenset(), "defaults": frozenset({"option redispatch", "option dontlognull"})}
)
"""What milepost says in its own words anyway."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The lines that go into a section, and those that do not, each with the reason and what to set instead."""

    lines: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


def taken(section: str, lines: Iterable[Line]) -> Taken:
    """`section` is `global` or `defaults`. What is there already is neither taken nor refused."""
    kept: dict[str, None] = {}
    refused: list[tuple[str, str]] = []
    for line in lines:
        why = _why_not(section, line)
        if why:
            refused.append((line.text, why))
        elif " ".join(line.words) not in _THERE[section]:
            kept[line.text] = None
    return Taken(tuple(kept), tuple(refused))


def _why_not(section: str, line: Line) -> str:
    first = line.words[0]
    if first in SECTIONS or first.startswith("."):
        return f"it would leave the section {section}"
    starts = (" ".join(line.words[:count]) for count in (3, 2, 1))
    own = _OWNED[section]
    found = next((own[start] for start in starts if start in own), "")
    return found or (own.get(line.words[1], "") if first == "no" and len(line.words) > 1 else "")
