"""HAProxy's statistics of servers, from `show stat` or its statistics page (management guide 9.1, CSV format). Pure."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

_SERVER = "2"  # of the column `type`


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """One server. `place` is "address:port", IPv6 in brackets, "" where the page does not show it.

    `status` is HAProxy's word: UP, DOWN, MAINT, `no check` and some more, which may go on (`UP 1/3`). `sessions` are
    under way, `queued` wait for it.
    """

    backend: str
    name: str
    place: str
    status: str
    sessions: int
    queued: int


def parse_statistics(text: str) -> tuple[ServerStatistics, ...]:
    """The servers of all backends that `text` shows. Raises ValueError where it is no CSV of HAProxy."""
    return tuple(_servers(text))


def _servers(text: str) -> Iterator[ServerStatistics]:
    head, _, body = text.lstrip().partition("\n")
    columns = head.removeprefix("# ").rstrip(",\r").split(",")
    if columns[:2] != ["pxname", "svname"]:
        raise ValueError("no statistics of HAProxy: the heading of the columns is missing")
    for row in csv.DictReader(body.splitlines(), columns):
        if row["pxname"].startswith("#") or row.get("type") != _SERVER:
            continue
        yield ServerStatistics(
            row["pxname"],
            row["svname"],
            row.get("addr") or "",
            row["status"],
            int(row["scur"] or 0),
            int(row["qcur"] or 0),
        )
