"""What of a structure stands against adding a server at run time (HAProxy management guide, `add server`)."""

from collections.abc import Iterable, Mapping

from milepost.proxies.haproxy.config import Server, Structure

_HASHES = ("source", "uri", "url_param", "hdr", "rdp-cookie", "hash")
_FIRST_WITH_COOKIE = (2, 8)  # before, `add server` refuses the keyword (haproxy-mechanics.md 2)


def fixed_backends(structure: Structure) -> Mapping[str, str]:
    """Backends that take no added server, each with the reason: balancing that is laid out at start."""
    found = {
        section.name: _fixed_balance(section.lines)
        for section in structure.sections
        if section.keyword in ("backend", "listen")
    }
    return {name: reason for name, reason in found.items() if reason}


def hindrance(server: Server, version: tuple[int, ...]) -> str:
    """Why this server cannot be added to a running HAProxy of `version`, "" where it can."""
    if version < _FIRST_WITH_COOKIE and any(option.partition(" ")[0] == "cookie" for option in server.options):
        return "a sticky server cannot be added to a running HAProxy before 2.8"
    return ""


def _fixed_balance(lines: Iterable[str]) -> str:
    algorithm, consistent = "roundrobin", False
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "balance":
            algorithm = rest.split()[0].partition("(")[0]
        elif word == "hash-type":
            consistent = rest.split()[0] == "consistent"
    if algorithm == "static-rr":
        return "balance static-rr takes no added server"
    if algorithm in _HASHES and not consistent:
        return f"balance {algorithm} without hash-type consistent takes no added server"
    return ""
