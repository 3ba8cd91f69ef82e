"""What a task wrote is read from a byte on, or from so many before the end."""

from pathlib import Path

import httpx2
import pytest

from milepost.local.control.application import control
from milepost.local.outages import Outages
from milepost.local.runtimes.chosen import Images
from milepost.local.runtimes.sandboxes import Sandboxes
from support.local_server import local_api

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("start", "begins", "text"),
    [("0", 0, "0123456789"), ("7", 7, "789"), ("-3", 7, "789"), ("-99", 0, "0123456789"), ("99", 99, "")],
)
async def test_a_piece_begins_where_it_was_asked_to(tmp_path: Path, start: str, begins: int, text: str) -> None:
    response = await output(tmp_path, start)
    assert response.text == text
    assert (response.headers["output-from"], response.headers["task-ended"]) == (str(begins), "true")


@pytest.mark.parametrize("start", ["-", "--1", "1.5", "x", "9" * 19])
async def test_a_beginning_that_is_no_number_is_refused(tmp_path: Path, start: str) -> None:
    response = await output(tmp_path, start)
    assert (response.status_code, response.json()["message"]) == (400, f"from must be a number of bytes, got '{start}'")


async def output(folder: Path, start: str) -> httpx2.Response:
    """Of a task that has ended and wrote ten digits."""
    (folder / "tasks" / "web.1").mkdir(parents=True)
    (folder / "tasks" / "web.1" / "stdout").write_text("0123456789")
    images = Images(Sandboxes(folder / "tasks"), None, "not asked for")
    async with local_api(folder) as api:
        transport = httpx2.ASGITransport(control(api.engine, images, Outages(api.engine.hub)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://local") as client:
            return await client.get("/tasks/web.1/output/stdout", params={"from": start})
