"""Files that are brought into a sandbox before a task starts."""

import contextlib
import gzip
import io
import os
import re
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest

from milepost.local.apps.definition import Fetch
from milepost.local.runtimes import archives
from milepost.local.runtimes import fetch as fetching
from milepost.local.runtimes.fetch import fetch
from milepost.local.runtimes.program import NotRunnable
from support.waiting import until

pytestmark = pytest.mark.anyio

TEXT = b"what the task needs\n"


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "a file").write_bytes(TEXT)
    return folder


def tar(path: Path, *members: tarfile.TarInfo) -> None:
    with tarfile.open(path, "w") as archive:
        for member in members:
            member.size = len(TEXT) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(TEXT))


def plain(name: str) -> tarfile.TarInfo:
    return tarfile.TarInfo(name)


def link(name: str, to: str) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = tarfile.SYMTYPE, to
    return found


@pytest.mark.parametrize(
    "written", ["{folder}/a file", "file://{folder}/a%20file", "file://localhost{folder}/a%20file"]
)
async def test_a_local_file_is_copied_under_its_name(written: str, source: Path, sandbox: Path) -> None:
    await fetch([Fetch(uri=written.format(folder=source))], sandbox)
    assert (sandbox / "a file").read_bytes() == TEXT


async def test_a_file_goes_where_its_entry_says(source: Path, sandbox: Path) -> None:
    await fetch([Fetch(uri=f"{source}/a file", dest_path="etc/app.conf")], sandbox)
    assert (sandbox / "etc/app.conf").read_bytes() == TEXT


async def test_an_executable_can_be_executed_and_is_not_extracted(source: Path, sandbox: Path) -> None:
    tar(source / "run.tar", plain("inside"))
    await fetch([Fetch(uri=f"{source}/run.tar", executable=True)], sandbox)
    assert os.access(sandbox / "run.tar", os.X_OK)
    assert not (sandbox / "inside").exists()


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.tbz2", "a.txz"])
async def test_an_archive_is_extracted_unless_its_entry_says_no(name: str, source: Path, sandbox: Path) -> None:
    kinds: dict[str, Any] = {".tgz": "w:gz", ".tbz2": "w:bz2", ".txz": "w:xz", ".tar": "w"}
    with tarfile.open(source / name, kinds[Path(name).suffix]) as archive:
        archive.add(source / "a file", "inside/deep")
    await fetch([Fetch(uri=f"{source}/{name}", extract=False)], sandbox)
    assert not (sandbox / "inside").exists()
    await fetch([Fetch(uri=f"{source}/{name}")], sandbox)
    assert (sandbox / "inside/deep").read_bytes() == TEXT


async def test_a_zip_is_extracted_with_its_permissions(source: Path, sandbox: Path) -> None:
    with zipfile.ZipFile(source / "a.zip", "w") as archive:
        member = zipfile.ZipInfo("bin/run")
        member.external_attr = 0o755 << 16
        archive.writestr(member, TEXT)
    await fetch([Fetch(uri=f"{source}/a.zip")], sandbox)
    assert os.access(sandbox / "bin/run", os.X_OK)


async def test_a_gz_alone_becomes_the_file_without_the_suffix(source: Path, sandbox: Path) -> None:
    (source / "words.gz").write_bytes(gzip.compress(TEXT))
    await fetch([Fetch(uri=f"{source}/words.gz")], sandbox)
    assert (sandbox / "words").read_bytes() == TEXT


def outside_zip(path: Path) -> None:
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.writestr("fine", TEXT)
        archive.writestr("../outside", TEXT)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("up.tar", lambda path: tar(path, plain("../outside"))),
        ("link.tar", lambda path: tar(path, link("way", ".."), plain("way/outside"))),
        ("up.zip", outside_zip),
    ],
)
async def test_no_archive_writes_outside_of_the_sandbox(
    name: str, make: Callable[[Path], None], source: Path, sandbox: Path
) -> None:
    make(source / name)
    with pytest.raises(NotRunnable, match=f"fetch of .*{name} failed: .*outside"):
        await fetch([Fetch(uri=f"{source}/{name}")], sandbox)
    assert not (sandbox.parent / "outside").exists()
    assert not (sandbox / "fine").exists()


@pytest.mark.parametrize("asked", ["../outside", "/tmp/outside", "a/../../outside", "."])
async def test_no_destination_is_outside_of_the_sandbox(asked: str, source: Path, sandbox: Path) -> None:
    with pytest.raises(NotRunnable, match="is not a file inside the sandbox"):
        await fetch([Fetch(uri=f"{source}/a file", dest_path=asked)], sandbox)
    assert not (sandbox.parent / "outside").exists()


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("/nowhere/missing.txt", "No such file or directory"),
        ("file:///nowhere/missing.txt", "No such file or directory"),
        ("/tmp", "it is not a file"),
        ("relative.txt", "the path must be absolute"),
        ("hdfs://cluster/a.tgz", "local files .* can be fetched here"),
        ("file://elsewhere/a", "local files .* can be fetched here"),
        ("http://[/a", "Invalid IPv6 URL"),
        ("", "its empty name is not a file inside the sandbox"),
    ],
)
async def test_what_cannot_be_fetched_is_named_with_the_reason(uri: str, reason: str, sandbox: Path) -> None:
    with pytest.raises(NotRunnable, match=f"fetch of {re.escape(uri)} failed: {reason}"):
        await fetch([Fetch(uri=uri)], sandbox)


async def test_a_broken_archive_is_named(source: Path, sandbox: Path) -> None:
    for name in ("a.tgz", "a.zip", "a.gz"):
        (source / name).write_bytes(TEXT)
        with pytest.raises(NotRunnable, match=f"{name} failed: it cannot be extracted"):
            await fetch([Fetch(uri=f"{source}/{name}")], sandbox)


def strange_zip(path: Path, place: int, value: int) -> None:
    """A zip whose one member has another value at this place of its header and of its entry in the directory."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", TEXT)
    data = bytearray(path.read_bytes())
    data[place] = data[data.index(b"PK\x01\x02") + place + 2] = value
    path.write_bytes(data)


def timeless(path: Path) -> None:
    member = plain("a")
    member.mtime = 2**70
    tar(path, member)


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("locked.zip", lambda path: strange_zip(path, 6, 1), "encrypted"),
        ("modern.zip", lambda path: strange_zip(path, 8, 99), "compression"),
        ("timeless.tar", timeless, "."),
    ],
)
async def test_whatever_is_strange_about_an_archive_is_the_tasks_failure(
    name: str, make: Callable[[Path], None], reason: str, source: Path, sandbox: Path
) -> None:
    make(source / name)
    with pytest.raises(NotRunnable, match=f"{name} failed: it cannot be extracted: .*{reason}"):
        await fetch([Fetch(uri=f"{source}/{name}")], sandbox)


@pytest.mark.parametrize("name", ["a.tar", "a.zip", "a.gz"])
async def test_no_archive_fills_the_disk(
    name: str, source: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LIMIT", 2 * len(TEXT) - 1)
    tar(source / "a.tar", plain("one"), plain("two"))
    with zipfile.ZipFile(source / "a.zip", "w") as archive:
        archive.writestr("one", TEXT)
        archive.writestr("two", TEXT)
    (source / "a.gz").write_bytes(gzip.compress(TEXT * 2))
    with pytest.raises(NotRunnable, match=f"{name} failed: more than .* MiB would come out of it"):
        await fetch([Fetch(uri=f"{source}/{name}")], sandbox)
    assert not (sandbox / "two").exists()


@pytest.mark.parametrize("name", ["large", "large.gz"])
async def test_a_fetch_that_is_given_up_goes_on_no_longer(name: str, source: Path, sandbox: Path) -> None:
    with (source / "large").open("wb") as file:
        file.truncate(1 << 30)
    with gzip.open(source / "large.gz", "wb", compresslevel=1) as packed:
        for _ in range(512):
            packed.write(bytes(1 << 20))
    written = sandbox / "large"
    async with anyio.create_task_group() as group:
        group.start_soon(fetch, [Fetch(uri=f"{source}/{name}")], sandbox)
        await until(lambda: written.exists() and written.stat().st_size > 0)
        group.cancel_scope.cancel()
    assert written.stat().st_size < 1 << 29


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/page.txt?a=b" else 404)
        self.end_headers()
        self.wfile.write(TEXT)

    def log_message(self, *_: Any) -> None: ...


@contextlib.contextmanager
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def test_a_page_is_fetched_and_its_status_matters(sandbox: Path) -> None:
    with web() as url:
        await fetch([Fetch(uri=f"{url}/page.txt?a=b")], sandbox)
        assert (sandbox / "page.txt").read_bytes() == TEXT
        with pytest.raises(NotRunnable, match=r"missing\.txt failed: 404 Not Found"):
            await fetch([Fetch(uri=f"{url}/missing.txt")], sandbox)


async def test_a_page_that_grows_too_large_is_given_up(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LIMIT", 3)
    with web() as url, pytest.raises(NotRunnable, match="it is larger than"):
        await fetch([Fetch(uri=f"{url}/page.txt?a=b")], sandbox)
