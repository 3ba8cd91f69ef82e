"""What counts as a certificate with its key, and what is kept of it."""

import pytest

from milepost.proxies.haproxy.pem import read_pem

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
CHAIN = "-----BEGIN CERTIFICATE-----\nWFla\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN EC PRIVATE KEY-----\nREVG\n-----END EC PRIVATE KEY-----\n"
LOCKED = KEY.replace("\nREVG", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nREVG")
LONG = CERTIFICATE.replace("QUJD", "QUJD" * 40)
SHA1_OF_ABC = "3C01BDBB26F358BAB27F267924AA2C9A03FCFDB8"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no whole certificate"),
        (KEY, "no whole certificate"),
        (CERTIFICATE[:-10] + KEY, "no whole certificate"),
        (CERTIFICATE, "no whole private key"),
        (CERTIFICATE + KEY[:-10], "no whole private key"),
        (CERTIFICATE + LOCKED, "passphrase"),
        (CERTIFICATE + KEY.replace("EC PRIVATE", "ENCRYPTED PRIVATE"), "passphrase"),
        (CERTIFICATE.replace("QUJD", "QUJ") + KEY, "cut or damaged"),
        (CERTIFICATE.replace("QUJD", "show info;") + KEY, "cut or damaged"),
        (CERTIFICATE + KEY.replace("REVG", "RE\ufffdG"), "cut or damaged"),
    ],
)
def test_what_cannot_be_served_is_refused_without_being_quoted(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        read_pem(text)
    assert not any(word in str(refused.value) for word in ("QUJ", "REVG", "show info"))


@pytest.mark.parametrize(
    "text",
    [
        CERTIFICATE + CHAIN + KEY,
        f"Bag Attributes\n  friendlyName: web\n{CERTIFICATE}\n\n{CHAIN}\n# the key\n\n{KEY}",
        (CERTIFICATE + CHAIN + KEY).replace("\n", "\r\n"),
        (CERTIFICATE + CHAIN + KEY).replace("QUJD", "QU\n\nJD"),
    ],
)
def test_only_the_blocks_are_kept_and_no_empty_line(text: str) -> None:
    pem = read_pem(text)
    assert pem.text == CERTIFICATE + CHAIN + KEY
    assert pem.fingerprint == SHA1_OF_ABC


def test_another_chain_is_another_file_of_the_same_certificate() -> None:
    bare, whole = read_pem(CERTIFICATE + KEY), read_pem(CERTIFICATE + CHAIN + KEY)
    assert bare.fingerprint == whole.fingerprint
    assert bare.digest != whole.digest


def test_long_blocks_get_lines_that_every_reader_takes() -> None:
    assert max(map(len, read_pem(LONG + KEY).text.splitlines())) == 64


def test_the_key_shows_in_no_text_made_of_it() -> None:
    assert "REVG" not in repr(read_pem(CERTIFICATE + KEY))
