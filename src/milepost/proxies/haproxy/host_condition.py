"""How the host of a request is compared with one that a service holds, a name or a pattern. Pure."""

from milepost.routing.grammar_hosts import EVERY_HOST
from milepost.routing.host_expression import LONGEST_HOST

BY_HOST = "req.hdr(host),field(1,:),lower"
"""The host of a request, without the port that a client may add."""


def host_condition(host: str) -> str:
    """That a request's host fits, as terms of a condition, "" where each does. A name that is too long for one is not
    even looked at: an expression's work grows with it."""
    if host == EVERY_HOST:
        return ""
    fits = f"{{ {BY_HOST} {matching(host)} }}"
    return f"{{ {BY_HOST},length le {LONGEST_HOST} }} {fits}" if host.startswith("~") else fits


def matching(host: str) -> str:
    """The flags and the pattern of an acl about the name of a host."""
    if host == EVERY_HOST:
        return "-m found"
    if host.startswith("~"):
        return f"-m reg '^({host[1:]})$'"
    return f"-m end {host[1:]}" if host.startswith("*") else f"-m str {host}"


def as_expression(host: str) -> str:
    """A part of a regular expression (PCRE) that fits the name of each such host, and has no group to refer to."""
    if host == EVERY_HOST:
        return "[^/:]+"
    if host.startswith("~"):
        within = host[1:].replace("(", "(?:")
        return f"(?=[^/:]{{1,{LONGEST_HOST}}}(?:[/:]|$))(?:{within})"
    if host.startswith("*"):
        return f"[^/:]+{literally(host[1:])}"
    return literally(host)


def literally(text: str) -> str:
    """`text` as a regular expression: of the signs that a path or a host may have only the dot means another."""
    return text.replace(".", "[.]")
