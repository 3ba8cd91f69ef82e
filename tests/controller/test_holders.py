"""Who holds what, over restarts."""

from pathlib import Path

import pytest

from milepost.controller.holders import HolderFile
from milepost.model.routing import Holders


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    held = Holders({"port 10000 *": "/a", "host ä.example": "/b"})
    assert HolderFile(tmp_path / "holders.json").save(held) == ""
    assert HolderFile(tmp_path / "holders.json").load() == held


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"port 1 *": 1}', b'{"\xff": "/a"}', b"[" * 100_000])
def test_a_file_that_holds_no_holders_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "holders.json"
    path.write_bytes(content)
    assert HolderFile(path).load() == Holders()


def test_a_file_that_cannot_be_read_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "holders.json").mkdir()
    assert HolderFile(tmp_path / "holders.json").load() == Holders()
