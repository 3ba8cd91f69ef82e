"""An operator renews a certificate: milepost sees it, and HAProxy serves it."""

import shutil
from pathlib import Path

import anyio
import pytest

from milepost.proxies.haproxy.binary import Binary
from support.certificates import fingerprint_of, pem, shown
from support.haproxy import each_haproxy, free_ports
from support.site import site

pytestmark = [
    pytest.mark.system,
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="missing capability: openssl, to make a certificate"),
]


@each_haproxy
async def test_a_renewed_certificate_is_served_without_a_reload_and_shown_to_nobody(
    binary: Binary, tmp_path: Path
) -> None:
    named = tmp_path / "web.pem"
    named.write_text(pem("old.example"))
    (port,) = free_ports(1)
    async with site(binary, tmp_path) as at:
        at.has()
        await at.start_until_healthy("--haproxy-certificates", str(named), "--haproxy-https-port", str(port))
        assert await shown(port) == fingerprint_of(pem("old.example"))
        named.write_text(pem("new.example"))
        with anyio.fail_after(10):
            while await shown(port) != fingerprint_of(pem("new.example")):
                await anyio.sleep(0.02)
        named.write_text(pem("old.example")[:300])
        with anyio.fail_after(10):
            while not at.events("problem_found"):
                await anyio.sleep(0.02)
        assert (await at.status())["proxy"]["reloads"] == 0
        assert at.events("certificate_changed")
        assert pem("new.example").splitlines()[-2] not in (at.folder / "milepost.log").read_text()
