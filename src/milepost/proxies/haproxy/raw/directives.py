"""Which lines an owner may write into the frontend and the backend of a service (HAProxy's manual, 4). Default deny.

What is left out, and why, is told in docs/decisions/raw-text.md.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType

from milepost.proxies.haproxy.raw import actions
from milepost.proxies.haproxy.raw.expressions import check_acl, check_acl_name, check_expression, check_format
from milepost.proxies.haproxy.raw.options import BIND, SERVER, options_of
from milepost.proxies.haproxy.raw.refused import Refused
from milepost.proxies.haproxy.raw.words import Line
from milepost.routing.grammar import Wrong, read_balance


@dataclass(frozen=True, slots=True)
class Place:
    """Whose text it is: the names, the port and the address (each for "") that it may use."""

    backend: str
    port: int
    address: str = ""

    @property
    def userlist(self) -> str:
        return f"user_{self.backend}"


Check = Callable[[Sequence[str], Place], None]
"""Of the words behind the keyword; raises Refused."""

_NUMBER = re.compile(r"[0-9]{1,9}")
_TIME = re.compile(r"[0-9]{1,9}(?:us|ms|s|m|h|d)?")
_TABLE_SIZE = re.compile(r"[1-9][0-9]{0,5}k?|1m")  # of a table in memory: each entry takes about 100 bytes and more

_CONNECT = {
    "default": 0,
    "port": 1,
    "ssl": 0,
    "send-proxy": 0,
    "sni": 1,
    "alpn": 1,
    "proto": 1,
    "linger": 0,
    "comment": 1,
}
_OPTIONS = frozenset(
    {
        "abortonclose",
        "allbackups",
        "checkcache",
        "clitcpka",
        "contstats",
        "disable-h2-upgrade",
        "dontlog-normal",
        "dontlognull",
        "forwardfor",
        "h1-case-adjust-bogus-client",
        "h1-case-adjust-bogus-server",
        "http-buffer-request",
        "http-ignore-probes",
        "http-keep-alive",
        "http-no-delay",
        "http-pretend-keepalive",
        "http-restrict-req-hdr-names",
        "http-server-close",
        "http-use-proxy-header",
        "httpchk",
        "httpclose",
        "httplog",
        "idle-close-on-response",
        "independent-streams",
        "ldap-check",
        "log-health-checks",
        "log-separate-errors",
        "logasap",
        "mysql-check",
        "nolinger",
        "originalto",
        "persist",
        "pgsql-check",
        "prefer-last-server",
        "redis-check",
        "redispatch",
        "smtpchk",
        "socket-stats",
        "splice-auto",
        "splice-request",
        "splice-response",
        "spop-check",
        "srvtcpka",
        "ssl-hello-chk",
        "tcp-check",
        "tcp-smart-accept",
        "tcp-smart-connect",
        "tcpka",
        "tcplog",
    }
)
_WITH_BREAKS = frozenset({"httpchk"})
"""`option httpchk GET / HTTP/1.1\\r\\nHost:\\ www` is how headers were written before `http-check send`."""


def check_line(line: Line, section: str, place: Place) -> None:
    """Whether an owner may write `line` into his `section`: a key of SECTIONS. Raises Refused."""
    words = list(line.words)
    if line.expands:
        raise Refused("variables of the environment are not allowed; in single quotes a $ is a sign like others")
    breaks = "option" in words[:2] and _WITH_BREAKS.intersection(words[:3])
    if not breaks and not all(word.isprintable() for word in words):
        raise Refused("line breaks and other characters that cannot be printed are not allowed")
    keyword = words.pop(0)
    if keyword == "no" and words[:1] == ["option"]:
        keyword = words.pop(0)
    check = SECTIONS[section].get(keyword)
    if check is None:
        raise Refused(f"{keyword!r} is not among the keywords that are allowed in a {section}")
    check(words, place)


def _some_words(words: Sequence[str], _: Place) -> None:
    """Arguments that reach nothing outside the section."""
    if not words:
        raise Refused("an argument is missing")


def _number(words: Sequence[str], _: Place) -> None:
    if len(words) != 1 or not _NUMBER.fullmatch(words[0]):
        raise Refused("expected a number")


def _mode(words: Sequence[str], _: Place) -> None:
    if list(words) not in (["http"], ["tcp"]):
        raise Refused("expected mode http or tcp")


def _balance(words: Sequence[str], _: Place) -> None:
    if isinstance(read_balance(" ".join(words)), Wrong):
        raise Refused(f"balance {' '.join(words)} is not among the algorithms that are allowed")


def _option(words: Sequence[str], _: Place) -> None:
    if not words or words[0] not in _OPTIONS:
        raise Refused(f"option {' '.join(words[:1])} is not among those that are allowed")


def _timeout(*names: str) -> Check:
    def check(words: Sequence[str], _: Place) -> None:
        if len(words) != 2 or words[0] not in names or not _TIME.fullmatch(words[1]):
            raise Refused(f"expected one of {', '.join(names)} and a time")

    return check


def _acl(words: Sequence[str], place: Place) -> None:
    if len(words) < 2:
        raise Refused("expected a name and a sample")
    check_acl_name(words[0])
    check_acl(words[1:], place.userlist)


def _bind(words: Sequence[str], place: Place) -> None:
    """Only where the service listens anyway: any other port, or of one that it shares any other address, belongs to
    somebody else, or to nobody yet."""
    if bound_port(words) != place.port:
        raise Refused(f"expected an address with the service's own port {place.port}")
    host = words[0].rpartition(":")[0].removeprefix("[").removesuffix("]")
    if place.address and host not in ("", "*", place.address):
        raise Refused(f"expected the address of BIND_ADDR, {place.address}")
    list(options_of(words[1:], BIND))


def bound_port(words: Sequence[str]) -> int:
    """The port of a `bind` with one address, IP or `*`: one that can be tried before a reload. Raises Refused."""
    where = words[0] if words else ""
    host, _, port = where.rpartition(":")
    try:
        ip_address("::" if host in ("", "*") else "" if "%" in host else host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise Refused(f"{where!r}: expected an IP address, or *, and a port") from None
    if not port.isascii() or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise Refused(f"{where!r}: expected one port")
    return int(port)


def _leads_to_own(words: Sequence[str], place: Place) -> None:
    if words[:1] != [place.backend]:
        raise Refused(f"only the app's own backend {place.backend} may be chosen")
    actions.check_tail(words[1:], place.userlist)


def _rules(allowed: Mapping[str, actions.Action]) -> Check:
    def check(words: Sequence[str], place: Place) -> None:
        actions.check_action(words, allowed, place.userlist)

    return check


def _redirect(words: Sequence[str], place: Place) -> None:
    actions.check_action(["redirect", *words], actions.HTTP_REQUEST, place.userlist)


def _tcp_request(*kinds: str) -> Check:
    def check(words: Sequence[str], place: Place) -> None:
        kind = words[0] if words else ""
        if kind == "inspect-delay" and kind in kinds:
            return _timeout(kind)(words, place)
        if kind not in kinds:
            raise Refused(f"expected one of {', '.join(kinds)}")
        return actions.check_action(words[1:], actions.TCP, place.userlist)

    return check


def _stick_table(words: Sequence[str], _: Place) -> None:
    """A table takes memory of the balancer, and `peers` would send it elsewhere."""
    rest = list(words)
    counts = {"type": 1, "len": 1, "size": 1, "expire": 1, "store": 1, "nopurge": 0}
    for name, *arguments in options_of(rest, counts):
        if name == "size" and not _TABLE_SIZE.fullmatch(arguments[0]):
            raise Refused("expected a size of at most 1m entries")
        if name == "len" and not (arguments[0].isdecimal() and int(arguments[0]) <= 128):
            raise Refused("expected a length of at most 128")


def _stick(words: Sequence[str], place: Place) -> None:
    if len(words) < 2 or words[0] not in ("on", "match", "store-request", "store-response") or "table" in words:
        raise Refused("expected on, match, store-request or store-response and a sample, without another table")
    check_expression(words[1], place.userlist)
    actions.check_tail(words[2:], place.userlist)


def _check_step(*names: str) -> Check:
    """A step of a health check. It connects to the server's own address, though to any of its ports."""

    def check(words: Sequence[str], place: Place) -> None:
        if not words or words[0] not in names:
            raise Refused(f"expected one of {', '.join(names)}")
        if words[0] == "connect":
            list(options_of(words[1:], _CONNECT))
        for word in words[1:]:
            check_format(word, place.userlist)

    return check


def _default_server(words: Sequence[str], _: Place) -> None:
    for name, *_arguments in options_of(words, SERVER):
        if name in ("id", "cookie"):
            raise Refused(f"{name} belongs to one server")


def _only_condition(words: Sequence[str], place: Place) -> None:
    actions.check_tail(words, place.userlist)


_BOTH: Mapping[str, Check] = {
    "mode": _mode,
    "option": _option,
    "acl": _acl,
    "http-request": _rules(actions.HTTP_REQUEST),
    "http-response": _rules(actions.HTTP_RESPONSE),
    "http-after-response": _rules(actions.HTTP_RESPONSE),
    "redirect": _redirect,
    "compression": _some_words,
    "stick-table": _stick_table,
}
_TIMEOUTS = (
    *("client", "client-fin", "http-request", "http-keep-alive", "tarpit"),
    *("connect", "server", "server-fin", "queue", "check", "tunnel"),
)
"""HAProxy ignores, with a warning, those of the other side: owners often write `timeout client` in a backend."""

_FRONTEND: Mapping[str, Check] = {
    **_BOTH,
    "bind": _bind,
    "use_backend": _leads_to_own,
    "default_backend": _leads_to_own,
    "maxconn": _number,
    "backlog": _number,
    "timeout": _timeout(*_TIMEOUTS),
    "tcp-request": _tcp_request("connection", "session", "content", "inspect-delay"),
    "monitor-uri": _some_words,
}
_BACKEND: Mapping[str, Check] = {
    **_BOTH,
    "balance": _balance,
    "hash-type": _some_words,
    "hash-balance-factor": _number,
    "cookie": _some_words,
    "http-reuse": _some_words,
    "retries": _number,
    "retry-on": _some_words,
    "fullconn": _number,
    "max-keep-alive-queue": _number,
    "timeout": _timeout(*_TIMEOUTS),
    "tcp-request": _tcp_request("content", "inspect-delay"),
    "tcp-response": _tcp_request("content", "inspect-delay"),
    "http-check": _check_step("send", "expect", "connect", "comment", "disable-on-404", "send-state"),
    "tcp-check": _check_step("send", "send-lf", "send-binary", "expect", "connect", "comment"),
    "default-server": _default_server,
    "stick": _stick,
    "force-persist": _only_condition,
    "ignore-persist": _only_condition,
}
_SHARED: Mapping[str, Check] = {
    name: _FRONTEND[name] for name in ("acl", "use_backend", "http-request", "http-response", "redirect")
}
_USERLIST: Mapping[str, Check] = {"user": _some_words, "group": _some_words}
SECTIONS: Mapping[str, Mapping[str, Check]] = MappingProxyType(
    {"frontend": _FRONTEND, "backend": _BACKEND, "shared frontend": _SHARED, "userlist": _USERLIST}
)
"""What may begin a line, by the kind of section."""
