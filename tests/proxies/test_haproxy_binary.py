"""Which HAProxy is started, and what it says of itself."""

from pathlib import Path

import pytest

from milepost.errors import ProxyError
from milepost.proxies.haproxy.binary import Binary, describe_binary, find_binary, parse_version
from support.haproxy import BINARIES, each_haproxy

needs_bundled = pytest.mark.skipif("2.8" not in BINARIES, reason="missing capability: the bundled HAProxy")

SAID = """\
HAProxy version 2.6.12-1+deb12u4 2023/12/16 - https://haproxy.org/
Built with OpenSSL version : OpenSSL 3.0.11 19 Sep 2023
Running on OpenSSL version : OpenSSL 3.0.15 3 Sep 2024
"""


def test_version_and_openssl_are_read() -> None:
    binary = parse_version(Path("/x"), SAID, bundled=False)
    assert binary == Binary(Path("/x"), "2.6.12-1+deb12u4", (2, 6), "OpenSSL 3.0.15 3 Sep 2024", bundled=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not say which HAProxy"),
        ("nginx version: nginx/1.22\n", "does not say which HAProxy"),
        ("HAProxy version 2.4.22 2023/02/14\n", r"is HAProxy 2\.4\.22; milepost needs 2\.6 or newer"),
        ("HAProxy version 1.9\n", "needs 2.6"),
    ],
)
def test_another_program_or_an_old_one_is_refused(text: str, message: str) -> None:
    with pytest.raises(ProxyError, match=message):
        parse_version(Path("/x"), text, bundled=False)


def test_a_version_without_tls_has_no_openssl() -> None:
    assert parse_version(Path("/x"), "HAProxy version 3.0.1\n", bundled=False).openssl == ""


def test_a_missing_program_says_how_to_get_it() -> None:
    with pytest.raises(ProxyError, match=r"apt-get install haproxy.*--allow-bundled-haproxy"):
        find_binary("no-such-haproxy", allow_bundled=False)


def test_a_program_that_does_not_run_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "haproxy"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(ProxyError, match="does not run as HAProxy"):
        find_binary(str(program), allow_bundled=True)


@pytest.mark.system
@needs_bundled
def test_the_bundled_one_is_refused_by_whatever_name_it_is_found(tmp_path: Path) -> None:
    bundled = BINARIES["2.8"].path
    link = tmp_path / "haproxy"
    link.symlink_to(bundled)
    for name in (bundled, link):
        with pytest.raises(ProxyError, match=r"is the bundled HAProxy.*--allow-bundled-haproxy"):
            find_binary(str(name), allow_bundled=False)
        assert find_binary(str(name), allow_bundled=True).bundled


@pytest.mark.system
@each_haproxy
def test_a_real_one_is_described(binary: Binary) -> None:
    assert describe_binary(binary.path, bundled=binary.bundled) == binary
    assert binary.openssl.startswith("OpenSSL")
