"""Where a Marathon is, and that its password is nobody else's business."""

import pytest

from milepost.errors import SettingsError
from milepost.sources.marathon.settings import MarathonSettings


@pytest.mark.parametrize(
    "url",
    [
        "",
        "marathon:8080",
        "ftp://marathon",
        "http://",
        "http://m:port",
        "http://m:99999",
        "http://m:0",
        "http://m/?a=1",
        "http://m/#a",
        "http://u:hunter2@m:port",
        "unix:///run/marathon",
        "http://[::1",
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="expected a Marathon URL like http://marathon:8080") as caught:
        MarathonSettings((url,))
    assert "hunter2" not in str(caught.value)


def test_there_must_be_a_url() -> None:
    with pytest.raises(SettingsError, match="at least one URL"):
        MarathonSettings(())


def test_credentials_in_a_url_count_and_are_taken_out_of_it() -> None:
    settings = MarathonSettings(("http://u:p%40:x@m1:8080/", "http://m2:8080/marathon/"))
    assert (settings.urls, settings.user, settings.password) == (
        ("http://m1:8080", "http://m2:8080/marathon"),
        "u",
        "p@:x",
    )


def test_credentials_given_by_themselves_win() -> None:
    settings = MarathonSettings(("http://u:p@m1",), user="admin", password="secret")
    assert (settings.user, settings.password) == ("admin", "secret")


def test_one_cluster_has_one_account() -> None:
    with pytest.raises(SettingsError, match="different credentials") as caught:
        MarathonSettings(("http://u:hunter1@m1", "http://u:hunter2@m2"))
    assert "hunter" not in str(caught.value)


def test_a_password_is_never_shown() -> None:
    assert "hunter2" not in repr(MarathonSettings(("http://u:hunter2@m1",)))
