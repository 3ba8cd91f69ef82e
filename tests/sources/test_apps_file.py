"""Apps from a file, in each of the forms that people have at hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from milepost.errors import SourceError
from milepost.model.snapshot import Snapshot
from milepost.sources.file import read_apps_file

WEB = {"id": "/web", "tasks": [{"id": "web.1", "host": "agent1", "ports": [31000]}]}


def written(folder: Path, value: Any) -> Path:
    path = folder / "apps.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def read(folder: Path, value: Any) -> Snapshot:
    return read_apps_file(written(folder, value), {"agent1": "10.0.0.1"}.get)


@pytest.mark.parametrize(
    "value", ["", "{", "{}", "5", "null", '"/web"', {"apps": None}, {"apps": 5}, {"app_id": "/web"}]
)
def test_a_file_without_apps_is_an_error(tmp_path: Path, value: Any) -> None:
    with pytest.raises(SourceError, match=r"apps\.json holds no apps as Marathon writes them"):
        read(tmp_path, value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.json cannot be read: No such file"):
        read_apps_file(tmp_path / "none.json")


@pytest.mark.parametrize("value", [{"apps": [WEB]}, [WEB], {"app": WEB}, WEB], ids=["apps", "list", "app", "bare"])
def test_each_form_is_read_and_names_are_resolved(tmp_path: Path, value: Any) -> None:
    snapshot = read(tmp_path, value)
    assert [task.address for task in snapshot.apps["/web"].tasks] == ["10.0.0.1"]
    assert snapshot.source == str(tmp_path / "apps.json")


def test_a_name_that_does_not_resolve_leaves_the_address_unknown(tmp_path: Path) -> None:
    snapshot = read_apps_file(written(tmp_path, [WEB]), lambda name: None)
    assert [task.address for task in snapshot.apps["/web"].tasks] == [None]


def test_an_odd_app_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    snapshot = read(tmp_path, [WEB, {"id": "/odd", "labels": 5}])
    assert list(snapshot.apps) == ["/web"]
    assert [problem.app_id for problem in snapshot.problems] == ["/odd"]


def test_an_error_never_quotes_the_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read(tmp_path, "SECRET=hunter2")
    assert "hunter2" not in str(caught.value)
