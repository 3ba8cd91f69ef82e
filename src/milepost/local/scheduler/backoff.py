"""How long a failing app waits before its next launch (marathon-api 9.4)."""

from dataclasses import dataclass, replace

from milepost.local.apps.definition import Definition

LATE_S = 5.0  # a launch comes somewhat later than it may: the wait for it is no quiet time


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delay that holds for one config version of an app, counted from `since_s`. No delay without failures."""

    config: str = ""
    delay_s: float = 0.0
    since_s: float = 0.0


def after_failure(backoff: Backoff, app: Definition, now_s: float) -> Backoff:
    """`backoffSeconds` at first, then each time `backoffFactor` as long, never over `maxLaunchDelaySeconds`."""
    current = _current(backoff, app, now_s)
    longer = current.delay_s * app.backoff_factor if current.delay_s else float(app.backoff_seconds)
    return Backoff(app.config_version, min(longer, float(app.max_launch_delay_seconds)), now_s)


def after_progress(backoff: Backoff, app: Definition, now_s: float) -> Backoff:
    """A task that came up moves the delay on without shortening it."""
    current = _current(backoff, app, now_s)
    return replace(current, since_s=now_s) if current.delay_s else current


def launch_at(backoff: Backoff, app: Definition, now_s: float) -> float:
    """The earliest time of the next launch."""
    current = _current(backoff, app, now_s)
    return max(now_s, current.since_s + current.delay_s)


def _current(backoff: Backoff, app: Definition, now_s: float) -> Backoff:
    """A config change starts afresh, and so does an app that was quiet for the longest delay."""
    is_old = now_s > backoff.since_s + max(app.max_launch_delay_seconds, backoff.delay_s + LATE_S)
    return Backoff(app.config_version) if backoff.config != app.config_version or is_old else backoff
