"""Searches for garbage: what stays is looked at once, and what has become garbage since is found in the end."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from milepost.controller.garbage import keeping, rare_searches
from milepost.model.notice import Notice, ProxyStarted, SourceConnected


class Node:
    """Can be part of a cycle."""

    def __init__(self) -> None:
        self.other: Node | None = None


def cycle() -> Node:
    one, other = Node(), Node()
    one.other, other.other = other, one
    return one


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_a_full_search_has_seen_is_set_aside() -> None:
    with rare_searches():
        stays = [cycle() for _ in range(100)]
        gc.collect()
        assert gc.get_freeze_count() > len(stays)
        assert not any(isinstance(found, Node) for found in gc.get_objects())


def test_new_garbage_is_found() -> None:
    with rare_searches():
        gc.collect()
        gone = weakref.ref(cycle())
        gc.collect()
        assert gone() is None


def test_what_was_set_aside_and_became_garbage_is_found_once_that_is_much() -> None:
    with rare_searches():
        gc.collect()
        kept = [cycle()]
        gc.collect()
        gone = weakref.ref(kept.pop())
        gc.collect()
        assert gone() is not None
        ballast = [[] for _ in range(3 * gc.get_freeze_count())]  # type: list[list[int]]
        gc.collect()
        gc.collect()
        assert gone() is None
        assert ballast


def test_what_a_proxy_was_started_with_is_set_aside_unsearched() -> None:
    told: list[Notice] = []
    with rare_searches() as searched:
        notify = keeping(searched, told.append)
        stays = [cycle() for _ in range(100)]
        notify(SourceConnected("marathon", "http://m:8080"))
        assert gc.get_freeze_count() == 0
        notify(ProxyStarted("haproxy", 7, 0.1, "first configuration"))
        assert gc.get_freeze_count() > len(stays)
        assert not any(isinstance(found, Node) for found in gc.get_objects())
    assert [type(notice) for notice in told] == [SourceConnected, ProxyStarted]


def test_later_starts_set_nothing_aside_unsearched() -> None:
    with rare_searches() as searched:
        notify = keeping(searched, lambda notice: None)
        notify(ProxyStarted("haproxy", 7, 0.1, "first configuration"))
        gone = weakref.ref(cycle())
        notify(ProxyStarted("haproxy", 8, 0.1, "it had died"))
        gc.collect()
        assert gone() is None
