"""Certificates as files: what is new is taken, what is broken never replaces what is good."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from milepost.proxies.haproxy.certificate_check import CertificateCheck
from milepost.proxies.haproxy.certificate_files import write_certificates
from milepost.proxies.haproxy.keyring import Keyring
from support.certificates import certificate_of, fingerprint_of, key_of, pem

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="missing capability: openssl, to make a certificate"),
]

A, B = "a.example", "b.example"


class Keys:
    """A place with certificates, and a keyring that looks at it as after a start of milepost."""

    def __init__(self, folder: Path) -> None:
        self.place, self.copies = folder / "place", folder / "copies"
        self.start()

    def start(self, *places: Path) -> None:
        check = CertificateCheck(None, self.copies, {})
        self.ring = Keyring(places or (self.place,), self.copies, check)

    async def look(self) -> list[str]:
        """The fingerprints that are to be served then."""
        await self.ring.look()
        write_certificates(self.ring.listed)
        return [one.fingerprint for one in self.ring.listed.certificates]


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda: "", "no whole certificate"),
        (lambda: pem(A)[:200], "no whole certificate"),
        (lambda: certificate_of(pem(A)), "no whole private key"),
        (lambda: certificate_of(pem(A)) + key_of(pem(B)), "KEY_VALUES_MISMATCH"),
        (None, "No such file"),
    ],
)
async def test_a_broken_file_is_told_and_what_was_good_stays(
    keys: Keys, broken: Callable[[], str] | None, told: str
) -> None:
    keys.place.write_text(pem(A))
    assert await keys.look() == [fingerprint_of(pem(A))]
    keys.place.unlink()
    if broken is not None:
        keys.place.write_text(broken())
    assert await keys.look() == [fingerprint_of(pem(A))]
    (problem,) = keys.ring.problems
    assert (problem.app_id, problem.subject) == ("", str(keys.place))
    assert told in problem.message
    keys.start()  # a restart knows the copy only
    assert await keys.look() == [fingerprint_of(pem(A))]
    keys.place.write_text(pem(B))
    assert await keys.look() == [fingerprint_of(pem(B))]
    assert keys.ring.problems == ()


async def test_what_was_never_good_is_told_and_not_served(keys: Keys) -> None:
    keys.place.write_text("not yet")
    assert await keys.look() == []
    assert len(keys.ring.problems) == 1


async def test_a_directory_is_followed_file_by_file(keys: Keys) -> None:
    keys.place.mkdir()
    (keys.place / "b.pem").write_text(certificate_of(pem(B)))
    (keys.place / "b.pem.key").write_text(key_of(pem(B)))
    (keys.place / ".a.pem.new").write_text("being written")
    assert await keys.look() == [fingerprint_of(pem(B))]
    (keys.place / "a.pem").write_text(pem(A))
    assert await keys.look() == [fingerprint_of(pem(A)), fingerprint_of(pem(B))]
    (keys.place / "a.pem").write_text("broken")
    assert await keys.look() == [fingerprint_of(pem(A)), fingerprint_of(pem(B))]
    (keys.place / "b.pem").unlink()
    assert await keys.look() == [fingerprint_of(pem(A))]
    assert [copy.name.split(".")[1] for copy in keys.copies.glob("*.pem")] == ["a"]


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_directory_that_is_empty_or_gone_takes_nothing_away(keys: Keys, is_there: bool) -> None:
    keys.place.mkdir()
    (keys.place / "a.pem").write_text(pem(A))
    await keys.look()
    (keys.place / "a.pem").unlink()
    if not is_there:
        keys.place.rmdir()
    assert await keys.look() == [fingerprint_of(pem(A))]
    keys.start()
    assert await keys.look() == [fingerprint_of(pem(A))]
    assert len(keys.ring.problems) == 1


async def test_what_cannot_be_checked_is_read_once_more(keys: Keys) -> None:
    keys.place.write_text(pem(A))
    keys.copies.write_text("a file in the way: the candidate cannot be written")
    assert await keys.ring.look()
    assert keys.ring.listed.certificates == ()
    assert "cannot be checked" in keys.ring.problems[0].message
    keys.copies.unlink()
    assert await keys.look() == [fingerprint_of(pem(A))]
    assert keys.ring.problems == ()


async def test_what_is_in_the_way_of_a_check_is_told(keys: Keys) -> None:
    keys.place.write_text(pem(A))
    (keys.copies / ".candidate-0").mkdir(parents=True)
    assert await keys.ring.look()
    assert "cannot be checked" in keys.ring.problems[0].message


async def test_nothing_changed_is_no_news(keys: Keys) -> None:
    keys.place.write_text(pem(A))
    assert await keys.ring.look()
    listed = keys.ring.listed
    assert not await keys.ring.look()
    keys.place.touch()
    assert not await keys.ring.look()
    assert keys.ring.listed is listed


async def test_copies_are_for_nobody_else(keys: Keys) -> None:
    keys.place.write_text(pem(A))
    await keys.look()
    (copy,) = keys.copies.glob("*.pem")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert keys.copies.stat().st_mode & 0o777 == 0o700
    assert sorted(file.name for file in keys.copies.iterdir()) == [copy.name, "list"]


async def test_files_that_apps_name_are_looked_after_as_long_as_they_are_named(keys: Keys, tmp_path: Path) -> None:
    keys.ring = Keyring((), keys.copies, CertificateCheck(None, keys.copies, {}))
    keys.place.write_text(pem(A))
    other = tmp_path / "other"
    keys.ring.watch({keys.place: "/web", other: "/other"})
    assert await keys.look() == [fingerprint_of(pem(A))]
    (problem,) = keys.ring.problems
    assert (problem.app_id, problem.subject) == ("/other", str(other))
    assert problem.message.endswith("else nothing listens at the app's port")
    keys.ring.watch({other: "/other"})
    assert await keys.look() == []
    keys.ring.watch({})
    assert not keys.ring.problems
    again = Keyring((), keys.copies, CertificateCheck(None, keys.copies, {}))
    again.watch({keys.place: "/web"})
    assert [one.fingerprint for one in again.listed.certificates] == [fingerprint_of(pem(A))]


@pytest.mark.parametrize("name", ["/dev/zero", "/proc/self/status", "/dev", "pipe", "large", "empty"])
async def test_an_app_cannot_have_read_what_has_no_end(keys: Keys, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b" " * 200_001)
    (tmp_path / "empty").touch()
    keys.ring.watch({tmp_path / name: "/web"})
    await keys.ring.look()
    assert "is no file of 1 to 200000 bytes" in keys.ring.problems[0].message
