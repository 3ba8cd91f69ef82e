"""The operator's error pages: what is taken, and that nothing broken ever reaches HAProxy."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from milepost.model.routing import RoutingTable, Service
from milepost.proxies.haproxy.binary import Binary
from milepost.proxies.haproxy.config import Profile
from milepost.proxies.haproxy.desired import RunDesigner
from milepost.proxies.haproxy.error_pages import ErrorPages, pages_of
from milepost.proxies.haproxy.operator_files import newest_copy
from support.haproxy import each_haproxy, free_ports, reach, stage

pytestmark = pytest.mark.anyio

SORRY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nsorry"
LYING = SORRY.replace(b"5\r\n\r\n", b"50\r\n\r\n")


async def test_what_is_no_page_is_told_and_the_last_good_one_stays(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "copies"
    source.mkdir()
    folder.mkdir()
    pages = ErrorPages(folder, None, {})
    for name in ("502.http", "503.http"):
        (source / name).write_bytes(SORRY)
    assert await pages.take_over(source) == {}
    (source / "502.http").unlink()
    (source / "503.http").write_bytes(b"sorry")
    (source / "504.http").write_bytes(SORRY + b"x" * 15_000)
    (source / "999.http").write_bytes(SORRY)
    (source / "readme").write_bytes(b"is left alone")
    wrong = {file.name: words.partition(",")[0] for file, words in (await pages.take_over(source)).items()}
    assert wrong == {
        "503.http": "expected a whole answer: HTTP/1.1 503 ...",
        "504.http": "expected at most 15000 bytes",
        "999.http": "expected a name such as 503.http",
    }
    ((status, path),) = pages_of(source, folder)
    assert (status, path) == (503, str(newest_copy(folder, "503.http")))
    nowhere = tmp_path / "nowhere"
    assert "cannot be read" in (await pages.take_over(nowhere))[nowhere]
    assert [status for status, _ in pages_of(nowhere, folder)] == [502, 503]


@pytest.mark.system
@each_haproxy
async def test_an_app_at_zero_instances_is_answered_with_the_operators_page(binary: Binary, tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "copies"
    source.mkdir()
    folder.mkdir()
    for name, content in (("503.http", SORRY), ("502.http", LYING)):
        (source / name).write_bytes(content)
    (refused,) = (await ErrorPages(folder, binary.path, {}).take_over(source)).items()
    assert refused[0].name == "502.http"
    assert refused[1].startswith("payload size does not match")
    http_port, port = free_ports(2)
    made = Profile(str(tmp_path / "a.sock"), str(tmp_path), 2_000, ("127.0.0.1",), http_port, 0, 0, 0)
    made = replace(made, error_pages=pages_of(source, folder))
    web = Service("web_1", "/web", 0, port, "http", hosts=("a.example",))
    async with stage(binary, tmp_path) as staged:
        await reach(staged.proxy(designer=RunDesigner(made)), RoutingTable((web,), {"web_1": ()}))
        for at, host in ((http_port, "a.example"), (port, "x"), (http_port, "nobody.example")):
            assert (await answered(at, host)).endswith(b"sorry")


async def answered(port: int, host: str) -> bytes:
    with anyio.fail_after(10):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            incoming = BufferedByteReceiveStream(stream)
            head = await incoming.receive_until(b"\r\n\r\n", 10_000)
            assert head.startswith(b"HTTP/1.1 503")
            return await incoming.receive_exactly(5)
