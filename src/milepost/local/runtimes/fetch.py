"""Files that an app wants in its sandbox before it starts (marathon-api 5): its `fetch`, which `uris` becomes, too."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio
import httpx2

from milepost.local.apps.definition import Fetch
from milepost.local.runtimes.archives import ARCHIVES, PIECE, NotExtracted, extract, readable
from milepost.local.runtimes.program import NotRunnable

LIMIT = 1 << 30  # bytes of one file over HTTP at most
TIMEOUT_S = 60.0  # for one file over HTTP
WEB = ("http", "https")


async def fetch(entries: Iterable[Fetch], sandbox: Path) -> None:
    """Bring each file into the sandbox, in order. Nothing is cached, whatever `cache` says.

    Raises NotRunnable with the URI and what is wrong with it.
    """
    for entry in entries:
        uri = entry.uri
        try:
            there = _destination(sandbox, uri, entry.dest_path or "")
            await (_download(uri, there) if urlsplit(uri).scheme in WEB else _copy(uri, there))
            await anyio.to_thread.run_sync(_finish, entry, there, sandbox)
        except (_NotFetched, NotExtracted, OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NotRunnable(f"fetch of {uri} failed: {reason}") from error


class _NotFetched(Exception):
    """The message is the reason."""


def _destination(sandbox: Path, uri: str, asked: str) -> Path:
    """Where the file goes: `asked`, relative to the sandbox, or the name that it has."""
    name = asked or unquote(urlsplit(uri).path).rstrip("/").rpartition("/")[2]
    there = (sandbox / name).resolve()
    if not there.is_relative_to(sandbox.resolve()) or there == sandbox.resolve():
        raise _NotFetched(f"{name or 'its empty name'} is not a file inside the sandbox")
    there.parent.mkdir(parents=True, exist_ok=True)
    return there


async def _copy(uri: str, there: Path) -> None:
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        raise _NotFetched("local files (file:///path or /path), http and https can be fetched here")
    path = Path(unquote(parts.path) if parts.scheme else uri)
    if not path.is_absolute():
        raise _NotFetched("the path must be absolute")
    await anyio.to_thread.run_sync(_copy_file, path, there)


def _copy_file(path: Path, there: Path) -> None:
    if path.exists() and not path.is_file():
        raise _NotFetched("it is not a file")  # to read a pipe or a device might never end
    with readable(path) as file, there.open("wb") as out:
        shutil.copyfileobj(file, out, PIECE)


async def _download(uri: str, there: Path) -> None:
    try:
        with anyio.fail_after(TIMEOUT_S):
            async with (
                httpx2.AsyncClient(follow_redirects=True, trust_env=False, timeout=TIMEOUT_S) as client,
                client.stream("GET", uri) as response,
            ):
                if not response.is_success:
                    raise _NotFetched(f"{response.status_code} {response.reason_phrase}")
                await _write(response, there)
    except TimeoutError:
        raise _NotFetched(f"it took longer than {TIMEOUT_S:g} s") from None


async def _write(response: httpx2.Response, there: Path) -> None:
    size = 0
    async with await anyio.open_file(there, "wb") as file:
        async for piece in response.aiter_bytes():
            size += len(piece)
            if size > LIMIT:
                raise _NotFetched(f"it is larger than {LIMIT >> 20} MiB")
            await file.write(piece)


def _finish(entry: Fetch, there: Path, sandbox: Path) -> None:
    """An executable is one from here on; of the others, archives are extracted unless `extract` is false."""
    if entry.executable:
        there.chmod(0o755)
    elif entry.extract and there.name.endswith(ARCHIVES):
        extract(there, sandbox)
