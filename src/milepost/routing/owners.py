"""One owner for each address and port, over all apps: a port that is used again never leads to the service before.

Mesos gives a port away again as soon as its task has ended, and the read that shows the new task may come before the
one that shows the end of the old. At one address only one process answers, so the newer task has it.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from milepost.model.snapshot import App, Task

ENDED = frozenset(
    f"TASK_{state}"
    for state in ("FINISHED", "FAILED", "KILLED", "ERROR", "DROPPED", "GONE", "GONE_BY_OPERATOR", "UNKNOWN")
)

Place: TypeAlias = tuple[str, int]
"""An address (an IP literal) and a port."""


@dataclass(frozen=True, slots=True)
class Claim:
    """That a task is at a place; `is_ending` while it is being killed, the times as in `Task`."""

    app_id: str
    task_id: str
    is_ending: bool
    staged_at: str
    observed_s: float

    def beats(self, other: "Claim") -> bool:
        """Whether it is the newer one. The scheduler's own times decide where it gives both and they differ."""
        if self.is_ending != other.is_ending:
            return other.is_ending
        if self.staged_at and other.staged_at and self.staged_at != other.staged_at:
            return self.staged_at > other.staged_at
        return self.observed_s > other.observed_s


Owned: TypeAlias = Mapping[Place, Claim]
"""The owner of each place that several tasks claim."""

UNCONTESTED: Owned = {}


def places(task: Task) -> Iterator[Place]:
    """Where the task answers, or will answer; nowhere for one that may share its place with others."""
    if task.address is not None and task.state not in ENDED and not task.is_fixed:
        for port in task.ports:
            if port:
                yield task.address, port


class Owners:
    """Who is at which place, kept up to date app by app: an update costs what the changed apps hold.

    Every task counts that has not ended, also one that does not serve (yet) and one of an app without traffic.
    """

    def __init__(self) -> None:
        self._places: dict[str, tuple[Place, ...]] = {}  # by app id
        self._claims: dict[Place, tuple[Claim, ...]] = {}
        self._contested: dict[Place, Claim] = {}

    def update(self, apps: Iterable[App], gone: Iterable[str] = ()) -> Set[str]:
        """Take in what changed; gives the ids of the apps with a task whose place has a new owner, or none any more."""
        looked_at: set[Place] = set()
        for app_id in gone:
            self._withdraw(app_id, looked_at)
        for app in apps:
            self._withdraw(app.id, looked_at)
            self._enter(app, looked_at)
        return {app_id for place in looked_at for app_id in self._decide(place)}

    def of(self, app_id: str) -> Owned:
        """The owners of those places of the app that are contested."""
        if not self._contested:
            return UNCONTESTED
        held = self._places.get(app_id, ())
        return {place: self._contested[place] for place in held if place in self._contested}

    def _enter(self, app: App, looked_at: set[Place]) -> None:
        held: dict[Place, None] = {}
        for task in app.tasks:
            claim = Claim(app.id, task.id, task.state == "TASK_KILLING", task.staged_at, task.observed_s)
            for place in places(task):
                held[place] = None
                others = self._claims.get(place, ())
                self._claims[place] = (*others, claim)
                if others:
                    looked_at.add(place)
        self._places[app.id] = tuple(held)

    def _withdraw(self, app_id: str, looked_at: set[Place]) -> None:
        for place in self._places.pop(app_id, ()):
            left = tuple(claim for claim in self._claims.pop(place) if claim.app_id != app_id)
            if left:
                self._claims[place] = left
            if left or place in self._contested:
                looked_at.add(place)

    def _decide(self, place: Place) -> Iterator[str]:
        """The apps at a place to which it matters that its owner changed. Among equals the lower ids have it."""
        claims = sorted(self._claims.get(place, ()), key=lambda claim: (claim.app_id, claim.task_id))
        before = self._contested.pop(place, None)
        if len(claims) > 1:
            self._contested[place] = reduce(lambda best, claim: claim if claim.beats(best) else best, claims)
        if self._contested.get(place) != before:
            yield from (claim.app_id for claim in claims)
