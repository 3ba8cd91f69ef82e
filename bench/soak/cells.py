"""What is told apart: how a task ends, what is asked, and on which connection; and what came of it."""

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

GRACES = {"no-event": None, "0": 0.0, "0.5": 0.5, "2": 2.0}
"""How a task ends: unannounced, or so many seconds after TASK_KILLING was told."""

TRAFFIC = ("get", "post", "tls", "h2", "websocket")
CONNECTIONS = ("new", "keep-alive")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """One square of the table; each part is a word of the tables above."""

    grace: str
    traffic: str
    connection: str

    def __str__(self) -> str:
        return f"{self.grace}/{self.traffic}/{self.connection}"


def chosen(words: Iterable[str]) -> tuple[Cell, ...]:
    """The cells that `words` leave: a group (graces, traffic, connections) of which no word is given stays whole.

    ValueError names a word that is none of these.
    """
    groups: tuple[Sequence[str], ...] = (tuple(GRACES), TRAFFIC, CONNECTIONS)
    wanted = set(words)
    if unknown := wanted.difference(*groups):
        raise ValueError(f"expected words of {', '.join(itertools.chain(*groups))}, got {', '.join(sorted(unknown))}")
    left = ([word for word in group if word in wanted] or group for group in groups)
    return tuple(Cell(*words) for words in itertools.product(*left))


@dataclass(slots=True)
class Count:
    """Of one cell, or of all: `in_flight` failed too, but HAProxy had sent a byte of it to a task that was killed."""

    asked: int = 0
    avoidable: int = 0
    wrong: int = 0
    in_flight: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.asked + other.asked,
            self.avoidable + other.avoidable,
            self.wrong + other.wrong,
            self.in_flight + other.in_flight,
        )

    def __sub__(self, earlier: "Count") -> "Count":
        return Count(
            self.asked - earlier.asked,
            self.avoidable - earlier.avoidable,
            self.wrong - earlier.wrong,
            self.in_flight - earlier.in_flight,
        )

    def json(self) -> dict[str, object]:
        return {"asked": self.asked, "avoidable": self.avoidable, "wrong": self.wrong, "in_flight": self.in_flight}


@dataclass(slots=True)
class Ledger:
    """Every request has a number; `cut` has those of which a killed task had heard, but that it had not answered.

    `late` are requests that a task got long after Marathon had told that it would be killed.
    """

    counts: dict[Cell, Count]
    cut: set[int] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    _failed: list[tuple[Cell, int, str]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def number(self) -> int:
        return next(self._numbers)

    @property
    def total(self) -> Count:
        return sum(self.counts.values(), Count())

    def answered(self, cell: Cell, app_id: str, answer: str) -> None:
        """A task names its app first."""
        self.counts[cell].asked += 1
        if answer.split(" ", 1)[0] != app_id:
            self.counts[cell].wrong += 1
            self._show(f"{cell} {app_id}, {_now()}: answered by {answer!r}")

    def failed(self, cell: Cell, app_id: str, number: int, error: Exception) -> None:
        """`number` is the one by which a task knows of the request, or of its tunnel."""
        self.counts[cell].asked += 1
        self._failed.append((cell, number, f"{cell} {app_id} request {number}, {_now()}: {error!r}"))

    def settle(self) -> None:
        """Tell the failures apart, once it is known what was cut: that may come to light after a client has failed."""
        for cell, number, line in self._failed:
            if number in self.cut:
                self.counts[cell].in_flight += 1
            else:
                self.counts[cell].avoidable += 1
                self._show(line)
        self._failed.clear()

    def _show(self, line: str) -> None:
        if len(self.failures) < _SHOWN:
            self.failures.append(line)


def _now() -> str:
    """In UTC, as milepost's log has it."""
    return time.strftime("%H:%M:%S", time.gmtime())
