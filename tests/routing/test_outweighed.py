"""Who gets a request that several services want, and that the others hear of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.routing import Service
from milepost.routing.outweighed import outweighed

WEIGHTS = st.integers(-1, 2)
PATHS = st.sampled_from([(), ("/",), ("/a",), ("/A",), ("-i", "/a"), ("/a/b",), ("-i", "/A/b"), ("/ab",)])


def service(name: str, path: tuple[str, ...], weight: int, host: str = "a.example") -> Service:
    return Service(name, f"/{name}", 0, 80, "http", hosts=(host,), path=path, weight=weight)


@pytest.mark.parametrize(
    ("heavy", "light", "subjects"),
    [
        ((), ("/a", "/b"), ["host a.example/a", "host a.example/b"]),
        (("/",), ("/a",), ["host a.example/a"]),
        (("-i", "/A"), ("/a/b",), ["host a.example/a/b"]),
        (("/a",), ("-i", "/a/b"), []),
        (("/A",), ("/a/b",), []),
        (("/a",), (), []),
    ],
)
def test_a_path_behind_a_heavier_service_is_told(
    heavy: tuple[str, ...], light: tuple[str, ...], subjects: list[str]
) -> None:
    problems = list(outweighed([service("light", light, 1), service("heavy", heavy, 2)]))
    assert [(problem.app_id, problem.subject) for problem in problems] == [("/light", subject) for subject in subjects]
    assert all("/heavy has BACKEND_WEIGHT 2 there, this app 1" in problem.message for problem in problems)
    assert not list(outweighed([service("light", light, 1), service("heavy", heavy, 1)]))
    assert not list(outweighed([service("light", light, 1), service("heavy", heavy, 2, "b.example")]))


def gets(services: list[Service], path: str) -> str:
    """Who decides, by the words of the labels' page: the greater weight, then the longer path."""
    fitting = [
        (one.weight, len(word), one.name)
        for one in services
        for word in (one.path[one.path[:1] == ("-i",) :] or ("",))
        if (path.lower().startswith(word.lower()) if "-i" in one.path else path.startswith(word))
    ]
    return max(fitting, default=(0, 0, ""))[2]


@given(
    st.lists(
        st.tuples(PATHS, WEIGHTS), min_size=2, max_size=4, unique_by=lambda one: one[0][-1:] and one[0][-1].lower()
    )
)
def test_exactly_who_gets_no_request_at_its_own_path_is_told(wanted: list[tuple[tuple[str, ...], int]]) -> None:
    services = [service(f"s{number}", path, weight) for number, (path, weight) in enumerate(wanted)]
    told = {problem.app_id.strip("/") for problem in outweighed(services)}
    for one in services:
        for word in (word for word in one.path if word.startswith("/")):
            cases = {word, word.lower(), word.upper()} if "-i" in one.path else {word}
            has_lost = all(gets(services, case) != one.name for case in cases)
            assert has_lost == (one.name in told), (one, services)
