"""What probes say about a task (marathon-api 5.5)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from milepost.local.apps.definition import HealthCheck

FIRST_PROBE_S = 0.1
QUICK_FOR_S = 5.0  # a task that never succeeded is probed quickly for this long, then no less often than each 5 s
QUICK_PROBE_S = 0.2


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Times in Unix seconds, None where that never happened."""

    alive: bool = False
    consecutive_failures: int = 0
    first_success_s: float | None = None
    last_success_s: float | None = None
    last_failure_s: float | None = None
    last_failure_cause: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one probe came to: `counted` is False for a failure in the grace period."""

    result: CheckResult
    counted: bool = True
    must_die: bool = False


def judge(
    before: CheckResult | None, check: HealthCheck, failure: str | None, running_since_s: float, now_s: float
) -> Judgement:
    """The result after a probe that ended at `now_s`; `failure` is None for success."""
    old = before or CheckResult()
    if failure is None:
        first = now_s if old.first_success_s is None else old.first_success_s
        return Judgement(replace(old, alive=True, consecutive_failures=0, first_success_s=first, last_success_s=now_s))
    if old.first_success_s is None and now_s < running_since_s + check.grace_period_seconds:
        return Judgement(replace(old, alive=False), counted=False)
    failures = old.consecutive_failures + 1
    result = replace(old, alive=False, consecutive_failures=failures, last_failure_s=now_s, last_failure_cause=failure)
    return Judgement(result, must_die=failures >= deadly_failures(check))


def deadly_failures(check: HealthCheck) -> float:
    """The number of the failure in a row that kills: one more than allowed, never for 0; executors count strictly."""
    if check.by_executor:
        return max(1, check.max_consecutive_failures)
    return check.max_consecutive_failures + 1 if check.max_consecutive_failures else float("inf")


def next_probe_s(judgement: Judgement, check: HealthCheck, running_since_s: float, now_s: float) -> float:
    """Seconds until the next probe. While a new task is let off, it is asked more often than its interval says."""
    if judgement.counted:
        return float(check.interval_seconds)
    quick = QUICK_PROBE_S if now_s < running_since_s + QUICK_FOR_S else QUICK_FOR_S
    return min(quick, check.interval_seconds)


def is_healthy(results: Sequence[CheckResult | None]) -> bool | None:
    """Of an instance: True when every check is alive, None while one has no result and none says no."""
    if any(result is None for result in results):
        return None
    return all(result is not None and result.alive for result in results)
