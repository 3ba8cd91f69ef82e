"""What a drain leaves in a map, and who counts as still there."""

from pathlib import Path

import pytest

from milepost.proxies.haproxy.drain import Drain, Visitors, drain_of, entries_of, parse_visitors
from milepost.proxies.haproxy.lame_duck import DrainFile

STAT = """\
# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,
stats,FRONTEND,,,3,4,500,17,1,
web_10000,FRONTEND,,,2,9,500,40,1,
db_10001,FRONTEND,,,0,1,500,5,1,
"""


@pytest.mark.parametrize(
    ("entries", "drain"),
    [
        ({}, None),
        ({"stopped": "5"}, None),
        ({"draining": "yes"}, Drain(0.0)),
        ({"draining": "1764000000.125"}, Drain(1764000000.125)),
        ({"draining": "5", "stopped": "5"}, Drain(5.0, is_stopped=True)),
    ],
)
def test_a_map_says_since_when_it_drains_and_whether_it_is_to_stay_stopped(
    entries: dict[str, str], drain: Drain | None
) -> None:
    assert drain_of(entries) == drain


@pytest.mark.parametrize("drain", [None, Drain(1764000000.125), Drain(5.0, is_stopped=True)])
def test_what_is_written_is_read_back(drain: Drain | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = DrainFile(tmp_path_factory.mktemp("maps") / "drain.map")
    assert file.read() is None
    file.write(drain)
    assert file.read() == drain == drain_of(dict(entries_of(drain)))


def test_who_looks_at_the_health_address_is_no_visitor() -> None:
    assert parse_visitors(STAT, old_workers=1) == Visitors(connections=2, came=45, old_workers=1)


def test_clients_on_a_replaced_worker_have_not_left() -> None:
    assert [Visitors(*seen).are_gone for seen in ((0, 9, 0), (1, 9, 0), (0, 9, 1))] == [True, False, False]


def test_another_answer_is_an_error_and_not_an_empty_balancer() -> None:
    with pytest.raises(ValueError, match="without sessions"):
        parse_visitors("Unknown command", old_workers=0)


def test_a_file_that_somebody_spoilt_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "drain.map").write_bytes(b"draining 5\n\xff\xfe broken\n")
    assert DrainFile(tmp_path / "drain.map").read() == Drain(5.0)
