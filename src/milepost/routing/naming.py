"""The names of services, and which app ids can have one."""

import re
from hashlib import sha256

LONGEST_APP_ID = 255

_APP_ID = re.compile(r"(?:[A-Za-z0-9_-]+:/|/?)[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")


def is_app_id(app_id: str) -> bool:
    """Whether each part is of letters, digits, dots, underscores and dashes: what a section's name can hold.

    The name of a source may stand before it, as in `east:/web`.

    And not too long: HAProxy 2.6 never answers a command that fills its buffer (16 KB, and a map entry names the app
    twice), and all other apps would wait with it. Mesos names a task's directory by the id, so a longer one runs
    nowhere.
    """
    return len(app_id) <= LONGEST_APP_ID and _APP_ID.fullmatch(app_id) is not None


def service_name(app_id: str, port: int) -> str:
    """`/prod/web.api` on 10000 gives `prod_web.api_10000` (marathon-lb-behaviour.md 1).

    `east:/web`, an app of the source `east`, gives `east:web_10000`.
    """
    return f"{app_id.removeprefix('/').replace(':/', ':').replace('/', '_')}_{port}"


def distinct_name(app_id: str, port: int, index: int) -> str:
    """The name of a service whose own name another service has: with a mark made from its app id and index."""
    mark = sha256(f"{app_id} {index}".encode()).hexdigest()[:8]
    return f"{service_name(app_id, port)}_x{mark}"
