"""Whether a task that a deployment started is ready (marathon-api 5.6)."""

from dataclasses import dataclass

from milepost.local.apps.readiness import ReadinessCheck
from milepost.local.scheduler.health import QUICK_FOR_S, QUICK_PROBE_S

NO_ANSWER = 504  # the status that stands for a task that could not be asked


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task said: an HTTP status with its body, or NO_ANSWER with what went wrong."""

    status: int
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Of a task that is asked: once `ready`, always ready. `answer` is the latest, None before the first."""

    ready: bool = False
    answer: Answer | None = None


def heard(check: ReadinessCheck, answer: Answer) -> Readiness:
    """What an answer means."""
    return Readiness(answer.status in check.http_status_codes_for_ready, answer)


def ask_again_s(check: ReadinessCheck, answer: Answer, running_since_s: float, now_s: float) -> float:
    """Seconds until the next question. One that does not listen yet, while it is new, is asked more often."""
    is_starting = answer.status == NO_ANSWER and now_s < running_since_s + QUICK_FOR_S
    return min(QUICK_PROBE_S, check.interval_seconds) if is_starting else float(check.interval_seconds)
