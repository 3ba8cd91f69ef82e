"""How long to wait after failures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.sources.backoff import backoff_s


@pytest.mark.parametrize(
    ("failures", "wait_s"), [(0, 0.0), (1, 0.2), (2, 0.4), (3, 0.8), (8, 25.6), (9, 30.0), (10_000, 30.0)]
)
def test_the_wait_doubles_up_to_its_limit(failures: int, wait_s: float) -> None:
    assert backoff_s(failures, 0.2, 30.0, chance=0.0) == pytest.approx(wait_s)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_chance_takes_at_most_half_of_the_wait(failures: int, chance: float) -> None:
    full_s = backoff_s(failures, 0.2, 30.0, chance=0.0)
    assert full_s / 2 <= backoff_s(failures, 0.2, 30.0, chance) <= full_s
