"""What is to become of tasks whose node cannot be reached (marathon-api 4.1)."""

from collections.abc import Iterator
from dataclasses import dataclass

from milepost.local.apps.definition import Definition
from milepost.local.apps.refusal import Violation

NEVER = float("inf")
_NAMES = ("inactiveAfterSeconds", "expungeAfterSeconds")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds after the loss until a task is replaced, and until it is given up; both NEVER if that is disabled."""

    inactive_after_s: float
    expunge_after_s: float


def patience(app: Definition) -> Patience:
    """Of an app whose definition keeps the rules."""
    given = app.unreachable_strategy
    if given == "disabled":
        return Patience(NEVER, NEVER)
    return Patience(*(float(given.get(name, 0)) for name in _NAMES))


def unreachable_violations(app: Definition) -> Iterator[Violation]:
    given = app.unreachable_strategy
    if given == "disabled":
        return
    if not isinstance(given, dict):
        yield "/unreachableStrategy", "must be disabled or an object"
        return
    times = [given.get(name, 0) for name in _NAMES]
    for name, seconds in zip(_NAMES, times, strict=True):
        if type(seconds) is not int or not 0 <= seconds < 2**31:
            yield f"/unreachableStrategy/{name}", f"got {seconds}, expected 0 or more whole seconds, in 31 bits"
            return
    if times[0] > times[1]:
        yield "/unreachableStrategy", "inactiveAfterSeconds must not be greater than expungeAfterSeconds"
