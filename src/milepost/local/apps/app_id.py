"""Ids of apps and groups: paths of lower-case segments (marathon-api 3)."""

import re

PART = r"([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])"
SEGMENT = re.compile(rf"({PART}\.)*{PART}")
RESERVED = frozenset({"restart", "tasks", "versions"})  # as last segment they would hide behind the API's own paths
MAX_LENGTH = 190  # characters: a task's id, which is the name of a folder, has 65 more
PATTERN_TEXT = (
    "must fully match regular expression "
    r"'^(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])|(\.|\.\.)$'"
)


def absolute(raw: str, base: str = "/") -> str:
    """`raw` as a path from the root: relative to `base` without a leading slash, no empty segments, dots resolved."""
    resolved: list[str] = []
    for segment in (raw if raw.startswith("/") else f"{base}/{raw}").split("/"):
        if segment == "..":
            del resolved[-1:]
        elif segment not in ("", "."):
            resolved.append(segment)
    return "/" + "/".join(resolved)


def problem(app_id: str) -> str | None:
    """Why an absolute id cannot name an app, None if it can."""
    if len(app_id) > MAX_LENGTH:
        return f"must have at most {MAX_LENGTH} characters"
    segments = app_id.split("/")[1:]
    if segments[-1] in RESERVED:
        return f"must not end with {segments[-1]}"
    return None if all(SEGMENT.fullmatch(segment) for segment in segments) else PATTERN_TEXT


def parent(app_id: str) -> str:
    """The group that `app_id` lies in."""
    return app_id.rpartition("/")[0] or "/"


def ancestors(app_id: str) -> list[str]:
    """The groups that `app_id` lies in, the nearest first, without the root."""
    found = []
    group = parent(app_id)
    while group != "/":
        found.append(group)
        group = parent(group)
    return found


def is_below(app_id: str, group: str) -> bool:
    """Whether the app lies in `group` or in one of its groups."""
    return app_id.startswith(group if group == "/" else f"{group}/")


def safe(app_id: str) -> str:
    """The form used inside task ids: segments joined with `_`."""
    return app_id.strip("/").replace("/", "_")
