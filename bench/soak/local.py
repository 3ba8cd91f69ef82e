"""The suite's fuzz of the local scheduler's API for longer: rounds of any bodies and of any order of calls."""

import contextlib
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from support.fuzz_bodies import PLACES, Place, all_bodies, sent
from support.fuzz_machine import LocalMarathon

EXAMPLES = 25  # a round's; a round has a seed of its own, told when it fails
STEPS = 50
PROGRESS_S = 5.0
Call = tuple[str, str, str]


def soak_local(seconds: float, first_seed: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Rounds until the time is over or one finds a defect, which is then told as the smallest example of it."""
    calls: Counter[Call] = LocalMarathon.calls
    began_s = told_s = time.monotonic()
    failure, rounds = "", 0
    while not failure and time.monotonic() - began_s < seconds:
        failure = _round(first_seed + rounds, calls, (Phase.generate,))
        if failure:
            tell(f"a defect with seed {first_seed + rounds}; looking for the smallest example of it ...\n{failure}")
            failure = _round(first_seed + rounds, calls, (Phase.generate, Phase.shrink)) or failure
        rounds += 1
        if time.monotonic() - told_s > PROGRESS_S:
            told_s = time.monotonic()
            tell(f"{told_s - began_s:.0f} s: {rounds} rounds, {calls.total()} calls, no defect yet")
    return {
        "seed": first_seed,
        "rounds": rounds,
        "seconds": round(time.monotonic() - began_s, 1),
        "calls": _rows(calls),
        "total": calls.total(),
        "defects": int(bool(failure)),
        "failed_seed": first_seed + rounds - 1 if failure else None,
        "failure": failure,
    }


def _round(number: int, calls: Counter[Call], phases: tuple[Phase, ...]) -> str:
    """What was found, "" if nothing."""
    wish = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )

    @seed(number)
    @settings(wish)
    @given(st.sampled_from(PLACES), all_bodies())
    def any_body(place: Place, body: object) -> None:
        answer = sent(place, body)
        calls[place[0], place[1].partition("?")[0], f"{answer.status // 100}xx"] += 1

    try:
        with contextlib.redirect_stdout(sys.stderr):
            any_body()
            run_state_machine_as_test(seed(number)(LocalMarathon), settings=wish)
    except Exception as error:
        return "".join(traceback.format_exception(error))
    return ""


def _rows(calls: Counter[Call]) -> list[dict[str, Any]]:
    """One row an address, with its answers by status class."""
    found = {address: Counter[str]() for _, address, _ in calls}
    for (_, address, kind), count in calls.items():
        found[address][kind] += count
    return [
        {"address": address, **{kind: found[address][kind] for kind in ("2xx", "3xx", "4xx", "5xx")}}
        for address in sorted(found)
    ]
