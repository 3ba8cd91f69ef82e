"""Which words an owner may write on `bind` and `server` lines (HAProxy's manual, 5.1 and 5.2). Default deny.

The number is how many arguments follow. Refused on purpose: sockets, namespaces and other listeners' rights on `bind`;
other addresses, sources, proxies, resolvers and client certificates on `server`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from milepost.proxies.haproxy.raw.refused import Refused

BIND: Mapping[str, int] = {
    **dict.fromkeys(("ssl", "accept-proxy", "defer-accept", "tfo", "v4v6", "v6only", "strict-sni"), 0),
    **dict.fromkeys(("no-sslv3", "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13", "no-tls-tickets"), 0),
    **dict.fromkeys(("force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13"), 0),
    **dict.fromkeys(("prefer-client-ciphers", "no-alpn", "allow-0rtt"), 0),
    **dict.fromkeys(("crt", "ca-file", "ca-verify-file", "verify", "alpn", "npn", "ciphers", "ciphersuites"), 1),
    **dict.fromkeys(("curves", "ecdhe", "ssl-min-ver", "ssl-max-ver", "maxconn", "backlog", "mss", "tcp-ut"), 1),
    **dict.fromkeys(("name", "nice", "proto"), 1),
}
SERVER: Mapping[str, int] = {
    **dict.fromkeys(("check", "backup", "ssl", "check-ssl"), 0),
    **dict.fromkeys(
        ("send-proxy", "send-proxy-v2", "send-proxy-v2-ssl", "send-proxy-v2-ssl-cn", "check-send-proxy"), 0
    ),
    **dict.fromkeys(("no-sslv3", "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13", "no-tls-tickets"), 0),
    **dict.fromkeys(("force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13", "no-ssl-reuse", "tfo"), 0),
    **dict.fromkeys(("agent-check", "stick", "non-stick", "allow-0rtt"), 0),
    **dict.fromkeys(
        ("id", "cookie", "inter", "fastinter", "downinter", "rise", "fall", "port", "weight", "maxconn"), 1
    ),
    **dict.fromkeys(("minconn", "maxqueue", "slowstart", "verify", "verifyhost", "ca-file", "sni", "check-sni"), 1),
    **dict.fromkeys(("alpn", "check-alpn", "ciphers", "ciphersuites", "ssl-min-ver", "ssl-max-ver", "proto"), 1),
    **dict.fromkeys(("check-proto", "ws", "observe", "on-error", "on-marked-down", "on-marked-up", "error-limit"), 1),
    **dict.fromkeys(("pool-max-conn", "pool-purge-delay", "pool-low-conn", "max-reuse", "tcp-ut"), 1),
    **dict.fromkeys(("agent-inter", "agent-port", "agent-send"), 1),
}

# Not of the kernel's files: some have no end, and HAProxy would read on for ever.
_FILE = re.compile(r"(?!/(?:dev|proc|sys)(?:/|$))(?:/(?!\.{0,2}(?:/|$))[A-Za-z0-9._+-]{1,255}){1,30}/?|@system-ca")
_FILES = frozenset({"crt", "ca-file", "ca-verify-file"})


def options_of(words: Sequence[str], allowed: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """Each option with its arguments. Raises Refused for one that is not allowed, or lacks its argument."""
    rest = list(words)
    while rest:
        name = rest.pop(0)
        if name not in allowed:
            raise Refused(f"{name!r} is not among the options that are allowed here")
        count = allowed[name]
        if len(rest) < count:
            raise Refused(f"{name} without its argument")
        arguments, rest = rest[:count], rest[count:]
        if name in _FILES and not _FILE.fullmatch(arguments[0]):
            raise Refused(f"{name} {arguments[0]}: expected the absolute path of a file, no device, without ..")
        yield (name, *arguments)
