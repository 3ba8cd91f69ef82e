"""`./run bench local` at its smallest: that all is carried out and told, never how fast."""

import pytest

from support.bench import rows

pytestmark = pytest.mark.system


def test_answers_are_measured_at_rest_and_during_each_kind_of_change() -> None:
    found = rows("local", "--apps", "4", "--tasks", "2", "--changed", "2", "--rest", "0.2")
    assert [row["what"] for row in found] == ["start", "rest", "one deployment", "a deployment each"]
    for row in found:
        assert (row["apps"], row["tasks"]) == (4, 8)
        assert row["answers"] > 0
        assert 0 < row["median_ms"] <= row["p99_ms"] <= row["max_ms"]
        assert row["rss_mb"] > 10


def test_more_tasks_take_files_but_no_threads() -> None:
    few, many = (rows("local", "--apps", "4", "--tasks", tasks, "--changed", "1", "--rest", "0")[1] for tasks in "15")
    assert many["files"] == few["files"] + 16
    assert many["threads"] == few["threads"]
