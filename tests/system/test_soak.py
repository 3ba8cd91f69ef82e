"""The short forms of `./run soak`: replacements and reloads under all kinds of traffic, and a bad Marathon."""

import json
import subprocess
import sys

import pytest

from milepost.proxies.haproxy.binary import Binary
from support.haproxy import each_haproxy
from support.shared import ROOT

pytestmark = pytest.mark.system


FAULTS = ("empty", "flapping", "reordered", "reused", "unannounced")
NEVER_S = 40  # what `converged_s` is where a task never got a request


def soaked(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.soak", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)


@each_haproxy
def test_replacing_tasks_and_reloading_loses_no_request_and_misleads_none(binary: Binary) -> None:
    ended = soaked("--json", "--seconds", "12", "--clients", "2", "--haproxy", str(binary.path))
    assert ended.stdout, ended.stderr
    report = json.loads(ended.stdout)
    total = report["total"]
    assert (ended.returncode, total["avoidable"], total["wrong"]) == (0, 0, 0), report["failures"]
    assert all(cell["asked"] for cell in report["cells"])
    assert min(report["replacements"], report["reloads"]) > 2


def test_a_cell_that_does_not_exist_is_refused() -> None:
    ended = soaked("--cells", "get,udp")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "got udp" in ended.stderr


def test_a_bad_marathon_costs_no_request_and_is_made_up_for() -> None:
    ended = soaked("chaos", "--json", "--faults", ",".join(FAULTS), "--seconds", "1", "--fault-seconds", "1")
    assert ended.stdout, ended.stderr
    report = json.loads(ended.stdout)
    assert (report["total"]["avoidable"], report["total"]["wrong"]) == (0, 0), report["failures"]
    assert {row["fault"] for row in report["faults"]} == set(FAULTS)
    assert all(row["asked"] and row["converged_s"] < NEVER_S for row in report["faults"])


def test_a_fault_that_does_not_exist_is_refused() -> None:
    ended = soaked("chaos", "--faults", "401,earthquake")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "got earthquake" in ended.stderr


def test_any_input_leaves_the_local_scheduler_sound() -> None:
    ended = soaked("local", "--seconds", "1", "--json")
    assert ended.stdout, ended.stderr
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["defects"]) == (0, 0), report["failure"]
    assert report["total"] == sum(row[kind] for row in report["calls"] for kind in ("2xx", "3xx", "4xx", "5xx"))
    assert report["total"] > 100
