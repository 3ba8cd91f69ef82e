"""When things are due. Pure: the time is an argument, in seconds of any one monotonic clock."""

from dataclasses import dataclass, replace
from enum import Enum

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Settle:
    """Waits for a burst to end: due once it was quiet for `quiet_s`, and never later than `limit_s` after its begin."""

    quiet_s: float
    limit_s: float
    first_s: float = NEVER
    last_s: float = NEVER

    def touched(self, now_s: float) -> "Settle":
        return replace(self, first_s=min(self.first_s, now_s), last_s=now_s)

    def cleared(self) -> "Settle":
        return replace(self, first_s=NEVER, last_s=NEVER)

    @property
    def due_s(self) -> float:
        """When the burst counts as over; NEVER while there is none."""
        return min(self.last_s + self.quiet_s, self.first_s + self.limit_s)


@dataclass(frozen=True, slots=True)
class Spacing:
    """Keeps costly acts apart: the first after a while is due at once, the next not before `interval_s` is over."""

    interval_s: float
    last_s: float = -NEVER

    def done(self, now_s: float) -> "Spacing":
        return replace(self, last_s=now_s)

    @property
    def due_s(self) -> float:
        """From when on the act may be done again; -NEVER where it was not done yet."""
        return self.last_s + self.interval_s


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles the wait after each failure in a row, between `first_s` and `limit_s`."""

    first_s: float
    limit_s: float
    failures: int = 0

    def failed(self) -> "Backoff":
        return replace(self, failures=self.failures + 1)

    def succeeded(self) -> "Backoff":
        return replace(self, failures=0)

    @property
    def wait_s(self) -> float:
        """How long to wait before the next try; 0 when nothing failed."""
        if not self.failures:
            return 0.0
        return min(self.limit_s, self.first_s * 2.0 ** min(self.failures - 1, 30))


@dataclass(frozen=True, slots=True)
class Allowance:
    """May be taken once each `every_s`; what was not taken is saved up, to `at_once` at most."""

    every_s: float
    at_once: int
    empty_at_s: float = -NEVER  # when all of it would have been taken, had it been taken steadily since

    def is_enough(self, now_s: float) -> bool:
        return self._reckoned_s(now_s) <= now_s

    def taken(self, now_s: float) -> "Allowance":
        return replace(self, empty_at_s=self._reckoned_s(now_s) + self.every_s)

    def _reckoned_s(self, now_s: float) -> float:
        return max(self.empty_at_s, now_s - (self.at_once - 1) * self.every_s)


class Job(Enum):
    """What the loop does by the clock rather than because of news."""

    RESTRUCTURE = "restructure"
    COLLECT = "collect"
    OBSERVE = "observe"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Agenda:
    """When each job is due; a job that is not listed is not due at all."""

    due: tuple[tuple[Job, float], ...] = ()

    def at(self, job: Job, due_s: float) -> "Agenda":
        """The agenda with `job` due at `due_s`; NEVER takes it off."""
        others = tuple(entry for entry in self.due if entry[0] is not job)
        return Agenda(others) if due_s == NEVER else Agenda((*others, (job, due_s)))

    def due_s(self, job: Job) -> float:
        """When `job` is due, NEVER where it is not listed."""
        return next((due_s for listed, due_s in self.due if listed is job), NEVER)

    def is_due(self, job: Job, now_s: float) -> bool:
        return self.due_s(job) <= now_s

    @property
    def next_s(self) -> float:
        return min((due_s for _, due_s in self.due), default=NEVER)
