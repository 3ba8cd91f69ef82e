"""The benches at their smallest: that they run and answer in their shape, never how fast."""

import pytest

from support.bench import bench, rows

pytestmark = pytest.mark.system


def test_without_a_name_all_benches_are_listed_with_what_they_measure() -> None:
    listed = [line.split(maxsplit=1) for line in bench().stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert {name for name, _ in listed} >= {"latency", "throughput", "reload", "hitless", "memory"}


def test_throughput_sets_what_milepost_writes_beside_what_a_person_would() -> None:
    found = rows("throughput", "--vhosts", "4", "--asked", "2", "--rounds", "1", "--seconds", "1")
    assert [row["side"] for row in found] == ["milepost", "by hand", "by hand, all lines", "tasks alone"]
    assert all(row["requests_s"] > 0 and not row["failed"] for row in found)
    assert found[1]["ratio"] == found[1]["cpu_ratio"] == 1


def test_reload_splits_into_its_stages_and_tells_how_long_a_client_waited() -> None:
    (row,) = rows("reload", "--apps", "3", "--rounds", "2", "--rest", "100")
    assert (row["apps"], row["reloads"], row["failed"]) == (3, 2, 0)
    parts = ("probe", "render", "check", "write", "reload", "current", "read_back", "took", "stall", "rest")
    assert all(row[f"{part}_ms"] >= 0 for part in parts)


def test_hitless_counts_cell_by_cell_and_in_all() -> None:
    *cells, total = rows("hitless", "--reloads", "2", "--reload-every", "1", "--clients", "1")
    assert len(cells) == 8
    assert total["asked"] == sum(cell["asked"] for cell in cells) > 0
    assert min(total["reloads"], total["replacements"]) > 0


def test_memory_is_told_of_the_controller_and_of_haproxy() -> None:
    (row,) = rows("memory", "--tasks", "4", "--changes", "3")
    assert (row["tasks"], row["apps"]) == (4, 2)
    assert 0 < row["controller_mb"] <= row["peak_mb"]
    assert min(row["worker_mb"], row["reread_mb"]) > 0
    assert row["changes"] > 0


def test_a_size_that_is_no_number_is_refused() -> None:
    ended = bench("reload", "--apps", "many")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "got many" in ended.stderr
