"""Marathon behind TLS: who is believed, and that credentials never leave it."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from milepost.errors import SourceError
from milepost.sources.marathon.source import read_once
from support.fake_marathon import FakeMarathon, Reply
from support.watching import settings_for

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="missing capability: openssl, to make a certificate"),
]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key beside it."""
    made, key = tmp_path / "marathon.pem", tmp_path / "marathon.key"
    subject = ["-subj", "/CN=marathon", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command = ["openssl", "req", "-x509", *kind, *subject, "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


async def test_only_a_certificate_that_the_ca_file_vouches_for_is_believed(certificate: Path) -> None:
    async with FakeMarathon(tls=tls(certificate)) as marathon:
        assert (await read_once(settings_for(marathon, ca_file=certificate))).apps == {}
        with pytest.raises(SourceError, match="certificate verify failed"):
            await read_once(settings_for(marathon))
        assert len(marathon.requests) == 1


async def test_verification_can_be_switched_off(certificate: Path) -> None:
    async with FakeMarathon(tls=tls(certificate)) as marathon:
        assert (await read_once(settings_for(marathon, tls_verify=False))).apps == {}


async def test_a_redirect_never_takes_credentials_out_of_tls(certificate: Path) -> None:
    async with FakeMarathon(tls=tls(certificate)) as marathon, FakeMarathon() as plain:
        marathon.answer("/v2/apps", Reply(302, headers={"Location": f"{plain.url}/v2/apps"}))
        settings = settings_for(marathon, ca_file=certificate, user="u", password="p")
        with pytest.raises(SourceError, match="a redirect from https to http is not followed"):
            await read_once(settings)
        assert not plain.requests
