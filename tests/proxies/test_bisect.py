"""Finding the app that is refused where nobody says which."""

from collections.abc import Collection

import anyio
from hypothesis import given
from hypothesis import strategies as st

from milepost.proxies.haproxy.bisect import find_culprit

APPS = [f"/app{number:02}" for number in range(40)]


def find(apps: list[str], guilty: Collection[str]) -> tuple[str | None, int]:
    """What was found, and how many questions that took."""
    questions = []

    async def is_refused(tried: Collection[str]) -> bool:
        questions.append(tried)
        return not set(guilty).isdisjoint(tried)

    return anyio.run(find_culprit, apps, is_refused), len(questions)


@given(st.sets(st.sampled_from(APPS), min_size=1))
def test_a_culprit_is_found_among_many_with_few_questions(guilty: set[str]) -> None:
    found, questions = find(APPS, guilty)
    assert found in guilty
    assert questions <= 7


def test_a_fault_that_is_no_apps_is_not_blamed_on_one() -> None:
    async def always(_: Collection[str]) -> bool:
        return True

    assert anyio.run(find_culprit, APPS, always) is None


def test_without_apps_there_is_no_culprit() -> None:
    assert find([], ()) == (None, 0)
