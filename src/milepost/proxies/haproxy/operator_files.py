"""Files of the operator's that HAProxy reads at start: milepost's own copies, which are known to be good.

Where such a file is broken later, or gone, HAProxy would not start any more; the copies stay what they were.
"""

import re
import ssl
from pathlib import Path

from milepost.proxies.haproxy.files import replace_file

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")  # and no key that stands beside


def copy_certificates(source: Path, copy: Path) -> str:
    """Take over the certificates (PEM) to trust; why that went wrong, "" where it did not. The last copy stays then.

    Raises ProxyError where the copy cannot be written.
    """
    try:
        found = _CERTIFICATE.findall(source.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    text = "".join(f"{one}\n" for one in found)
    try:
        if text:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        text = ""
    if not text:
        return "holds no certificate that can be read"
    replace_file(copy, text.encode())
    return ""
