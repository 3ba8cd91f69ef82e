"""Each bench of `./run bench` at its smallest: that it runs and answers in its shape, never how fast."""

import json
import subprocess
import sys
from typing import Any

import pytest

from support.shared import ROOT

pytestmark = pytest.mark.system


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100).stdout


def rows_of(*arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(bench(*arguments, "--json"))
    assert all(row["haproxy"] and row["noise_pct"] >= 0 for row in rows)
    return rows


def test_without_a_name_all_benches_are_listed_with_what_they_measure() -> None:
    listed = [line.split(maxsplit=1) for line in bench().partition("Commands:")[2].splitlines() if line.strip()]
    assert {name for name, _ in listed} >= {"latency", "throughput", "reload", "hitless", "memory"}


def test_throughput_sets_what_milepost_writes_beside_what_a_person_would() -> None:
    rows = rows_of("throughput", "--vhosts", "4", "--asked", "2", "--rounds", "1", "--seconds", "1")
    assert [row["side"] for row in rows] == ["milepost", "by hand", "by hand, all lines", "tasks alone"]
    assert all(row["requests_s"] > 0 and not row["failed"] for row in rows)
    assert rows[1]["ratio"] == rows[1]["cpu_ratio"] == 1


def test_reload_splits_into_its_stages_and_tells_how_long_a_client_waited() -> None:
    (row,) = rows_of("reload", "--apps", "3", "--rounds", "2", "--rest", "100")
    assert (row["apps"], row["reloads"], row["failed"]) == (3, 2, 0)
    parts = ("probe", "render", "check", "write", "reload", "current", "read_back", "took", "stall", "rest")
    assert all(row[f"{part}_ms"] >= 0 for part in parts)


def test_hitless_counts_cell_by_cell_and_in_all() -> None:
    *cells, total = rows_of("hitless", "--reloads", "2", "--reload-every", "1", "--clients", "1")
    assert len(cells) == 8
    assert total["asked"] == sum(cell["asked"] for cell in cells) > 0
    assert min(total["reloads"], total["replacements"]) > 0


def test_memory_is_told_of_the_controller_and_of_haproxy() -> None:
    (row,) = rows_of("memory", "--tasks", "4", "--changes", "3")
    assert (row["tasks"], row["apps"]) == (4, 2)
    assert 0 < row["controller_mb"] <= row["peak_mb"]
    assert row["worker_mb"] > 0
    assert row["changes"] > 0


def test_a_size_that_is_no_number_is_refused() -> None:
    command = [sys.executable, "-m", "bench", "reload", "--apps", "many"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "got many" in ended.stderr
