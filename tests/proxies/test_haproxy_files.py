"""Files are whole at every moment, and can be put back."""

import os
from pathlib import Path

import pytest

from milepost.errors import ProxyError
from milepost.proxies.haproxy.config import Desired, Structure
from milepost.proxies.haproxy.filed import Filed
from milepost.proxies.haproxy.files import keep, replace_file
from milepost.proxies.haproxy.intervention import Intervention


def test_a_file_is_replaced_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "x.cfg"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        replace_file(path, b"new and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new and longer"
    assert os.listdir(tmp_path) == ["x.cfg"]


def test_permissions_stay_and_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    old, new = tmp_path / "old.cfg", tmp_path / "new.cfg"
    old.write_bytes(b"old")
    old.chmod(0o604)
    replace_file(old, b"x")
    replace_file(new, b"x")
    assert old.stat().st_mode & 0o777 == 0o604
    assert new.stat().st_mode & 0o007 == 0


def test_what_is_the_same_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "x.cfg"
    replace_file(path, b"same")
    number = path.stat().st_ino
    replace_file(path, b"same")
    assert path.stat().st_ino == number


def test_a_kept_file_is_put_back_and_one_that_was_not_there_goes(tmp_path: Path) -> None:
    there, missing = tmp_path / "there", tmp_path / "missing"
    there.write_bytes(b"old")
    kept = [keep(there), keep(missing)]
    replace_file(there, b"new")
    replace_file(missing, b"new")
    for one in kept:
        one.put_back()
    assert there.read_bytes() == b"old"
    assert not missing.exists()


def test_a_folder_that_is_missing_is_an_error_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match=r"nowhere/x\.cfg cannot be read or written: No such file"):
        replace_file(tmp_path / "nowhere" / "x.cfg", b"x")


def test_maps_and_text_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    config, hosts = tmp_path / "haproxy.cfg", tmp_path / "maps"
    filed = Filed(config, Intervention("haproxy", lambda _: None, heals=True))
    structure = Structure((), "digest")
    filed.write(Desired(structure, maps={str(hosts): (("a.example", "old"),)}), "old")
    in_the_way = tmp_path / ".haproxy.cfg.new"
    in_the_way.mkdir()
    with pytest.raises(ProxyError):
        filed.write(Desired(structure, maps={str(hosts): (("a.example", "new"),)}), "new")
    assert (hosts.read_text(), config.read_text()) == ("a.example old\n", "old")
    assert filed.last is not None
    assert filed.last.differences() == ()
