"""The operator's heads of the shared frontends: what of them goes into milepost's own. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from milepost.model.problem import Problem, Severity
from milepost.proxies.haproxy.names import BY_APP_ID, HTTP_IN, HTTPS_IN
from milepost.proxies.haproxy.own_sections import where_the_client_is_known
from milepost.proxies.haproxy.raw.options import BIND
from milepost.proxies.haproxy.raw.review import SECTIONS
from milepost.proxies.haproxy.raw.words import Line, lines_of

FRONTENDS: Mapping[str, str] = {
    "HTTP_FRONTEND_HEAD": HTTP_IN,
    "HTTPS_FRONTEND_HEAD": HTTPS_IN,
    "HTTP_FRONTEND_APPID_HEAD": BY_APP_ID,
}
_PORTS: Mapping[str, str] = {HTTP_IN: "http_port", HTTPS_IN: "https_port", BY_APP_ID: "appid_port"}

_TLS = "set it for all listeners by `ssl-default-bind-options` or the like in haproxy.global_lines"
_THERE = frozenset({"ssl", "alpn", "no-sslv3", "no-tlsv10", "no-tlsv11", "no-tls-tickets", "v4v6"})
_INSTEAD: Mapping[str, str] = {
    "accept-proxy": "set haproxy.accept_proxy and haproxy.trusted_networks",
    "crt": "name it in haproxy.certificates",
    "crt-list": "name its files in haproxy.certificates",
    **dict.fromkeys(("ciphers", "ciphersuites", "curves", "ecdhe", "ssl-min-ver", "ssl-max-ver"), _TLS),
    **dict.fromkeys(("no-tlsv12", "no-tlsv13", "prefer-client-ciphers", "strict-sni"), _TLS),
    **dict.fromkeys(("force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13"), _TLS),
}


@dataclass(frozen=True, slots=True)
class FrontendHead:
    """Lines for a shared frontend, before its rules; a warning for each that says what milepost says otherwise."""

    lines: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_frontend_head(name: str, text: str, port: int) -> FrontendHead:
    """`port` is the one of the settings. Raises Refused where HAProxy would not read a line as one line."""
    frontend = FRONTENDS[name]
    lines: list[str] = []
    reasons: list[str] = []
    for line in lines_of(text):
        keyword, *words = line.words
        if keyword == "frontend":
            reasons += () if words == [frontend] else [f"{line.text!r}: this frontend is called {frontend}"]
        elif keyword == "bind":
            reasons += (f"{line.text!r}: {why}" for why in _otherwise(words, frontend, port))
        elif keyword == "mode":
            reasons += () if words == ["http"] else [f"{line.text!r}: the shared ports speak HTTP"]
        elif keyword in SECTIONS or keyword.startswith("."):
            reasons.append(f"{line.text!r}: it would leave the section")
        else:
            lines.append(_written(line))
    problems = (Problem("", f"HAPROXY_{name}", f"{reason}; not taken", Severity.WARNING) for reason in reasons)
    return FrontendHead(tuple(lines), tuple(problems))


def _written(line: Line) -> str:
    return where_the_client_is_known(line.text) if line.is_plain else line.text


def _otherwise(words: Sequence[str], frontend: str, port: int) -> Iterator[str]:
    """What a `bind` says that the settings do not."""
    host, _, bound = words[0].rpartition(":") if words else ("", "", "")
    if not _is_everywhere(host):
        yield "addresses are those of haproxy.bind"
    if bound != str(port):
        yield f"the port is that of haproxy.{_PORTS[frontend]}, {port}"
    rest = list(words[1:])
    while rest:
        option = rest.pop(0)
        del rest[: BIND.get(option, 1 if option == "crt-list" else 0)]
        if option not in _THERE:
            yield f"{option}: {_INSTEAD.get(option, 'no setting has it')}"


def _is_everywhere(host: str) -> bool:
    try:
        return host in ("", "*") or ip_address(host.removeprefix("[").removesuffix("]")).is_unspecified
    except ValueError:
        return False
