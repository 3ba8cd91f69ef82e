"""`./run bench latency` measures what it says; how fast milepost is, is not asked here."""

import pytest

from support.bench import bench, rows

pytestmark = pytest.mark.system


def test_changes_are_measured_beside_other_changes_and_requests() -> None:
    beside = ("--load", "--connections", "2", "--requests-per-s", "200", "--changes-per-s", "50")
    (row,) = rows("latency", "--tasks", "20", "--rounds", "5", *beside)
    assert (row["tasks"], row["apps"], row["rounds"]) == (20, 10, 5)
    assert 0 < row["median_ms"] <= row["p99_ms"] <= row["max_ms"]
    assert (row["reloads"], row["errors"]) == (0, 0)
    assert row["changes_per_s"] > 0
    assert 0 < row["requests_per_s"] < 1000  # without the bound it would be thousands
    assert row["cpu_ms_per_change"] > 0
    assert row["noise_median_ms"] > 0


def test_the_clock_ends_the_rounds() -> None:
    (row,) = rows("latency", "--tasks", "4", "--rounds", "1000", "--limit", "0")
    assert row["rounds"] == 1


def test_each_kind_of_bad_news_is_measured() -> None:
    found = rows("latency", "--tasks", "12", "--rounds", "1", "--bad-news")
    assert [row["news"] for row in found] == ["killing", "failed", "unhealthy"]
    assert all(row["rounds"] == 1 and row["max_ms"] < 2000 for row in found)


def test_kinds_of_bad_news_that_do_not_exist_are_refused() -> None:
    ended = bench("latency", "--bad-news", "killing,earthquake")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "got earthquake" in ended.stderr
