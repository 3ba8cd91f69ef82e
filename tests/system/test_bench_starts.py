"""`./run bench cold-start`, `recovery` and `render` measure what they say; how fast milepost is, is not asked here."""

import pytest

from support.bench import rows

pytestmark = pytest.mark.system


def test_a_cold_start_is_measured_and_its_stages_add_up() -> None:
    (row,) = rows("cold-start", "--apps", "3", "--rounds", "1")
    stages = [row[f"{stage}_s"] for stage in ("python", "marathon", "parse", "decide", "haproxy")]
    assert sum(stages) == pytest.approx(row["start_to_serving_s"], abs=0.01)
    assert 0 < row["answer_to_serving_s"] < row["start_to_serving_s"]
    assert row["apps"] == 3


def test_each_recovery_is_measured() -> None:
    found = rows("recovery", "--apps", "3", "--rounds", "1")
    assert [row["what"] for row in found] == [
        "kill -9 of the master",
        "kill -9 of the worker",
        "start without Marathon",
    ]
    assert all(0 < row["median_s"] <= row["max_s"] for row in found)


def test_rendering_is_measured_as_a_whole_and_by_stage() -> None:
    (row,) = rows("render", "--apps", "3", "--rounds", "1")
    stages = [row[f"{stage}_s"] for stage in ("start", "parse", "routing", "desired", "render", "write")]
    assert all(stage >= 0 for stage in stages)
    assert row["median_s"] > 0
    assert row["peak_mb"] > 10
    assert 0 < row["one_shot_s"] <= row["one_shot_max_s"]
    assert row["one_shot_mb"] > 10
