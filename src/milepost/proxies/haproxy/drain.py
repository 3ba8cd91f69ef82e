"""A balancer that is to be left by its clients: how the configuration says so, and how one reads it. Pure.

One entry of a map file is the whole state. HAProxy reads the file at each start and reload, and its admin socket
changes the entry live; so a drain outlives milepost, and needs none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

STATISTICS = "stats"
"""The `listen` section with the health endpoint: who comes there is no client of a service."""

DRAIN_MAP = "drain.map"

DRAINING = "draining"
STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Drain:
    """`since_s`: Unix time. `is_stopped`: HAProxy was ended at its end, and is not to be started again."""

    since_s: float
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Visitors:
    """Who is still there: open `connections` of clients now, how many ever `came`, and workers that a reload has
    replaced and that finish their sessions.
    """

    connections: int
    came: int
    old_workers: int

    @property
    def are_gone(self) -> bool:
        return not self.connections and not self.old_workers


def when_draining(map_dir: str) -> str:
    """HAProxy's condition for it, looked up in memory."""
    return f"{{ str({DRAINING}),map({map_dir}/{DRAIN_MAP}) -m found }}"


def sends_clients_away(map_dir: str) -> str:
    """The rule that tells clients of HTTP/1 to come with a connection of their next balancer's.

    Not in the answer that makes a connection a websocket: its header is needed. HTTP/2 has no such header.
    """
    return f"http-after-response set-header Connection close if {when_draining(map_dir)} !{{ status 101 }}"


def drain_of(entries: Mapping[str, str]) -> Drain | None:
    """What the map says; None: in service. A time that is none, by another hand, counts as the beginning of time."""
    if DRAINING not in entries:
        return None
    return Drain(_seconds(entries[DRAINING]), STOPPED in entries)


def entries_of(drain: Drain | None) -> tuple[tuple[str, str], ...]:
    """The entries that say it; none when in service."""
    if drain is None:
        return ()
    since = f"{drain.since_s:.3f}"
    return ((DRAINING, since), (STOPPED, since)) if drain.is_stopped else ((DRAINING, since),)


def parse_visitors(text: str, old_workers: int) -> Visitors:
    """`show stat -1 1 -1` (management guide 9.1): a row for each frontend. Raises ValueError in another format."""
    head, *rows = text.splitlines()
    column = {name: position for position, name in enumerate(head.removeprefix("# ").split(","))}
    if not {"pxname", "scur", "stot"} <= column.keys():
        raise ValueError("an answer to `show stat` without sessions")
    cells = [row.split(",") for row in rows if row]
    clients = [row for row in cells if row[column["pxname"]] != STATISTICS]
    return Visitors(
        connections=sum(int(row[column["scur"]]) for row in clients),
        came=sum(int(row[column["stot"]]) for row in clients),
        old_workers=old_workers,
    )


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
