from pathlib import Path

import pytest

from milepost.controller.lock import is_held, only_one
from milepost.errors import MilepostError


def test_a_second_milepost_in_one_directory_does_not_start(tmp_path: Path) -> None:
    with only_one(tmp_path):
        assert is_held(tmp_path)
        with pytest.raises(MilepostError, match=f"another milepost runs with state_dir {tmp_path}"), only_one(tmp_path):
            pass
    assert not is_held(tmp_path)


def test_a_directory_that_is_not_there_yet_is_made_and_nobodys(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "new")
    with only_one(tmp_path / "new"):
        assert is_held(tmp_path / "new")


def test_who_only_looks_leaves_no_file_of_another_user(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MilepostError, match=r"file cannot be read: Not a directory"):
        is_held(tmp_path / "file")


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MilepostError, match="cannot be written"), only_one(tmp_path / "file" / "state"):
        pass
