"""Files that the settings name and HAProxy reads at start: what becomes of good and of broken ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from milepost.compose_haproxy import profile_of, take_over_files
from milepost.errors import SettingsError
from milepost.settings.values import HAProxySettings, Settings
from support.certificates import pem

pytestmark = pytest.mark.anyio

PAGE = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nsorry"


def settings(folder: Path, error_pages: Path | None = None, server_ca_file: Path | None = None) -> Settings:
    haproxy = replace(HAProxySettings(), error_pages=error_pages, server_ca_file=server_ca_file)
    return replace(Settings(), state_dir=folder, haproxy=haproxy)


async def test_a_broken_file_is_a_problem_and_haproxy_is_told_of_the_last_good_one(tmp_path: Path) -> None:
    pages, ca = tmp_path / "pages", tmp_path / "ca.pem"
    pages.mkdir()
    (pages / "503.http").write_text(PAGE)
    ca.write_text(pem("one"))
    named = settings(tmp_path, error_pages=pages, server_ca_file=ca)
    assert await take_over_files(named, None) == ()
    before = profile_of(named, (2, 6), 2_000)
    assert [status for status, _ in before.error_pages] == [503]
    assert before.server_ca.startswith(f"{tmp_path}/taken-over/server-ca-")
    (pages / "503.http").write_text("sorry")
    ca.write_text("")
    problems = await take_over_files(named, None)
    assert sorted(problem.subject for problem in problems) == [str(ca), str(pages / "503.http")]
    assert profile_of(named, (2, 6), 2_000) == before


async def test_without_any_certificate_to_trust_milepost_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"server_ca_file: .* cannot be read"):
        await take_over_files(settings(tmp_path, server_ca_file=tmp_path / "none"), None)


async def test_without_such_settings_nothing_is_said_of_them(tmp_path: Path) -> None:
    plain = settings(tmp_path)
    assert await take_over_files(plain, None) == ()
    made = profile_of(plain, (2, 6), 2_000)
    assert (made.error_pages, made.server_ca, made.trusted_networks, made.accept_proxy, made.deny) == (
        (),
        "",
        (),
        (),
        (),
    )
