"""Whom HAProxy becomes, and sockets that only it can reach."""

import os
import socket
from pathlib import Path

import pytest

from milepost.errors import SettingsError
from milepost.proxies.haproxy.account import account_of
from milepost.proxies.haproxy.private_socket import private_socket

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="missing capability: root")


@pytest.mark.parametrize(
    ("user", "group", "words"),
    [
        ("no-such-user", "", "there is no user 'no-such-user'"),
        ("", "nogroup", "haproxy.group: nogroup needs a haproxy.user too"),
    ],
)
def test_an_account_that_cannot_be_is_refused(user: str, group: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        account_of(user, group, is_own=False)


def test_without_a_user_haproxy_stays_who_it_is() -> None:
    assert account_of("", "", is_own=True).uid == os.geteuid()


@as_root
def test_a_user_brings_its_own_group() -> None:
    assert account_of("nobody", "", is_own=True).group == "nogroup"


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_is_for_its_owner_alone_and_takes_the_place_of_what_lay_there(
    kind: socket.SocketKind, tmp_path: Path
) -> None:
    path = tmp_path / "s.sock"
    path.write_text("left by a milepost before")
    with private_socket(path, os.geteuid(), kind), socket.socket(socket.AF_UNIX, kind) as client:
        client.connect(str(path))
        assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.sock"]


@as_root
def test_a_socket_may_be_another_users(tmp_path: Path) -> None:
    with private_socket(tmp_path / "s.sock", 65534, socket.SOCK_DGRAM):
        assert (tmp_path / "s.sock").stat().st_uid == 65534
