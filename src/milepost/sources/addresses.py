"""What counts as an address: an IP literal or a DNS name, and nothing else.

HAProxy takes more in an address (`unix@/path`, `fd@3`, `abns@x`, `${VARIABLE}`), so nothing that is
neither may ever get that far. `0.0.0.0` means to it: wherever the client connected to, so itself (HAProxy manual,
`server <address>`).
"""

import re
from functools import lru_cache
from ipaddress import ip_address

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


@lru_cache(maxsize=1 << 17)  # asked for every task of every answer, about ever the same addresses
def literal(text: str) -> str | None:
    """The IP address that `text` spells out, in its usual form; None if it spells none, one with a zone, or any."""
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if address.is_unspecified else str(address)


@lru_cache(maxsize=1 << 17)
def is_dns_name(text: str) -> bool:
    """Whether `text` is a host name (RFC 1123, with the underscores that agents have in practice).

    A name whose last label is a number is none: resolvers read `10.1` or `0x7f.1` as an address.
    """
    labels = text.removesuffix(".").split(".")
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in labels) and not _NUMBER.fullmatch(labels[-1])
