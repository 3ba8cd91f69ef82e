"""For how many old workers there is room."""

import os
from pathlib import Path

import pytest

from milepost.proxies.haproxy.memory import held_bytes, usable_bytes
from milepost.proxies.haproxy.old_workers import Room

GIB = 1 << 30


@pytest.mark.parametrize(
    ("count", "held", "has_room"),
    [
        (8, 9 * GIB, True),  # the number is always allowed
        (9, 1 * GIB, True),
        (9, 2 * GIB, True),
        (9, 2 * GIB + 1, False),
        (9, None, False),  # whose memory cannot be seen
    ],
)
def test_beyond_their_number_memory_decides(count: int, held: int | None, has_room: bool) -> None:
    assert Room(8, 0.25).holds(count, held, 8 * GIB) is has_room


def test_with_no_share_the_number_alone_decides() -> None:
    assert not Room(8, 0.0).holds(9, 1, 8 * GIB)


def test_a_container_has_the_memory_that_it_may_use(tmp_path: Path) -> None:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = tmp_path / "memory.max"
    limit.write_text("67108864\n")
    assert usable_bytes([limit]) == 64 << 20
    limit.write_text("max\n")
    assert usable_bytes([limit]) == machine
    assert usable_bytes([tmp_path / "none"]) == machine


def test_this_process_holds_memory_and_one_that_is_not_there_is_not_seen() -> None:
    mine = held_bytes([os.getpid()])
    assert mine is not None
    assert 1 << 20 < mine < usable_bytes()
    assert held_bytes([os.getpid(), (1 << 22) + 1]) is None
