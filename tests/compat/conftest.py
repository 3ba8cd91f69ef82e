"""Flags are read beside the environment: what the caller of the tests has set there must not matter."""

import os
from pathlib import Path

import pytest

from support.one_shot import Place


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MILEPOST_", "HAPROXY_")) and name != "MILEPOST_SHARED":
            monkeypatch.delenv(name)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A working directory and a place for HAProxy's files, both empty; copies go to a directory of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copies").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    return Place(tmp_path)
