"""How the text of a VHOST label is read: names, and patterns that stand for many."""

import re
from collections.abc import Iterator

from milepost.routing.grammar import Hosts, Wrong
from milepost.routing.host_expression import LONGEST_HOST, RIGHT, host_expression

EVERY_HOST = "*"

_HOST_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"(?:\*\.)?{_HOST_LABEL}(?:\.{_HOST_LABEL})*")
_BETWEEN = re.compile(r",(?![0-9]*\})")  # not the comma of `{1,3}` in an expression


def read_hosts(text: str) -> Hosts | Wrong:
    """Lowered; empty names and ports behind a name are left out, since a request matches with any port.

    Beside names there are `*.a.example` (every name below), `~EXPRESSION` (every name that it fits; see
    `host_expression`) and `*` (all).
    """
    found = tuple(dict.fromkeys(_hosts(text)))
    for host in found:
        if isinstance(host, Wrong):
            return host
    return Hosts(tuple(host for host in found if isinstance(host, str)), several="," in text)


def is_pattern(host: str) -> bool:
    """Whether it stands for more than the one name."""
    return host.startswith(("*", "~"))


def _hosts(text: str) -> Iterator[str | Wrong]:
    for word in filter(None, map(str.strip, _BETWEEN.split(text))):
        if word.startswith("~"):
            yield _expression(word[1:])
        elif word.startswith("^") and word.endswith("$"):  # so marathon-lb's users wrote it, for rules of their own
            yield _expression(word[1:-1])
        else:
            yield _name(word.lower())


def _expression(text: str) -> str | Wrong:
    written = host_expression(text)
    return Wrong(f"{RIGHT} ({text[:80]!r} is none)") if written is None else f"~{written}"


def _name(word: str) -> str | Wrong:
    name = _without_port(word)
    if name == EVERY_HOST:
        return name
    name = name.removesuffix(".")
    if len(name) <= LONGEST_HOST and _HOST.fullmatch(name):
        return name
    return Wrong(f"host names in ASCII, *.names, ~expressions or *, separated by commas ({name[:80]!r} is none)")


def _without_port(name: str) -> str:
    host, colon, port = name.rpartition(":")
    return host if colon and port.isascii() and port.isdecimal() else name
