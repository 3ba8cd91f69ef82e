"""Files of the operator's that HAProxy reads at start: milepost's own copies, which are known to be good.

Where such a file is broken later, or gone, HAProxy would not start any more. So a copy is never changed or removed: the
configuration that serves may name it. Another content has another name, and so it makes another structure.
"""

import re
import ssl
from hashlib import sha256
from pathlib import Path

from milepost.proxies.haproxy.files import replace_file

SERVER_CA = "server-ca.pem"

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")  # and no key that stands beside


def take_certificates(source: Path, folder: Path) -> str:
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
    keep_copy(folder, SERVER_CA, text.encode())
    return ""


def keep_copy(folder: Path, name: str, content: bytes) -> None:
    """Keep `content` as the newest copy of `name`. Raises ProxyError where it cannot be written."""
    kind = Path(name)
    path = folder / f"{kind.stem}-{sha256(content).hexdigest()[:12]}{kind.suffix}"
    replace_file(path, content)
    path.touch()  # it may have been there, and not be the newest


def newest_copy(folder: Path, name: str) -> Path | None:
    """The last that was taken over of `name`, None where none ever was."""
    kind = Path(name)
    return max(folder.glob(f"{kind.stem}-*{kind.suffix}"), key=lambda path: path.stat().st_mtime_ns, default=None)
