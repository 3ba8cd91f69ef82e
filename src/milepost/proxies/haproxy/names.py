"""How things are called inside HAProxy. The names are marathon-lb's, which dashboards and scripts rely on."""

import re
from collections.abc import Container, Sequence
from hashlib import sha1, sha256

from milepost.model.routing import Endpoint, Service

HTTP_IN, HTTPS_IN, BY_APP_ID = "marathon_http_in", "marathon_https_in", "marathon_http_appid_in"
"""The frontends that all apps share."""

_UNCLEAN = re.compile(r"[^A-Za-z0-9-]")
_IDS = 32_767


def cleaned(text: str) -> str:
    """`text` with `_` for whatever is no ASCII letter, digit or dash (marathon-lb-behaviour.md 1)."""
    return _UNCLEAN.sub("_", text)


def acl_name(service: Service) -> str:
    """The name by which the ACLs of a service's hosts go: two ports of one app share it (its Q14)."""
    return f"{cleaned(service.hosts[0])}_{service.app_id.removeprefix('/').replace('/', '_')}"


def server_name(endpoint: Endpoint) -> str:
    """`192_168_59_2_31270`; the address is named too where it is not the host's (marathon-lb-behaviour.md 9.7)."""
    if endpoint.address == endpoint.host:
        return cleaned(f"{endpoint.host}_{endpoint.port}")
    return cleaned(f"{endpoint.host}_{endpoint.address}_{endpoint.port}")


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """`names`, with a number behind each that an earlier one has: HAProxy takes a name once in a backend."""
    taken: dict[str, None] = {}
    for name in names:
        free, number = name, 2
        while free in taken:
            free, number = f"{name}_{number}", number + 1
        taken[free] = None
    return tuple(taken)


def server_ids(names: Sequence[str]) -> tuple[int, ...]:
    """An id for each name, in order: its hash, hashed again where the id is taken or 0.

    The id of a server follows from its name, so that balancers agree (marathon-lb-behaviour.md 9.7).
    """
    taken: dict[int, None] = {}
    for name in names:
        taken[_free_id(name, taken)] = None
    return tuple(taken)


def _free_id(name: str, taken: Container[int]) -> int:
    """Ends as long as an id is free: a backend holds far fewer than 32,766 servers."""
    while True:
        digest = sha256(name.encode())
        number = int.from_bytes(digest.digest()) % _IDS
        if number and number not in taken:
            return number
        name = f"{name} {digest.hexdigest()}"


def cookie_value(name: str) -> str:
    """What the sticky cookie of a server holds (marathon-lb-behaviour.md 16.3, `{cookieOptions}`)."""
    return sha1(name.encode(), usedforsecurity=False).hexdigest()[:10]
