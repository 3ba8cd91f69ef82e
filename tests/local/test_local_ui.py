"""The page under /ui: it comes whole from the scheduler, reads only, and takes nothing from apps for HTML."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from milepost.local.ui import pages
from support.local_server import Api, local_api

pytestmark = pytest.mark.anyio

FILES = {path.name: path.read_text() for path in (Path(pages.__file__).parent / "page").iterdir()}
SCRIPTS = "\n".join(text for name, text in FILES.items() if name.endswith(".js"))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with local_api(tmp_path) as api:
        yield api


@pytest.mark.parametrize("path", ["/", "/ui"])
async def test_a_browser_that_knows_only_the_address_finds_the_page(api: Api, path: str) -> None:
    response = await api.client.get(path)
    assert (response.status_code, response.headers["location"]) == (302, "/ui/")


@pytest.mark.parametrize("name", ["", *sorted(FILES)])
async def test_each_file_comes_with_headers_that_let_it_load_nothing_from_elsewhere(api: Api, name: str) -> None:
    response = await api.client.get(f"/ui/{name}")
    kind = pages.MEDIA_TYPES[name.rpartition(".")[2] or "html"]
    assert (response.status_code, response.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
    assert response.text == FILES[name or "index.html"]
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_what_the_page_names_is_there(api: Api) -> None:
    index = FILES["index.html"]
    named = re.findall(r'(?:src|href)="([^"#:]+)"', index) + re.findall(r'from "\./([^"]+)"', SCRIPTS)
    assert sorted({*named, "index.html"}) == sorted(FILES)
    assert re.findall(r"<(?:script|style)>|\son\w+=|\sstyle=", index) == []  # the policy would not let it run


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/ui/no.js", 404), ("POST", "/ui/", 405)])
async def test_there_is_nothing_else_and_nothing_to_write(api: Api, method: str, path: str, status: int) -> None:
    answer = await api.call(method, path, expect=status)
    assert path in answer["message"]


async def test_no_text_is_ever_read_as_html() -> None:
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|Function\(|setAttribute|srcdoc"
    assert re.findall(ways, SCRIPTS) == []


async def test_the_page_asks_only_to_read(api: Api) -> None:
    assert re.findall(r"method:|XMLHttpRequest|sendBeacon", SCRIPTS) == []
    addresses = re.findall(r'"(/v2/[^"]+)"', SCRIPTS)
    assert len(addresses) == 5
    for address in addresses:
        if "events" not in address:
            await api.call("GET", address)


async def test_the_page_hears_every_event_that_is_sent(api: Api) -> None:
    sources = Path(pages.__file__).parent.parent
    sent = {
        name
        for path in (*sources.glob("scheduler/*.py"), *sources.glob("api/*.py"))
        for name in re.findall(r'"(\w+_event|\w+_success|deployment_\w+|group_change_\w+)"', path.read_text())
    }
    heard = set(re.findall(r'"(\w+_event|\w+_success|deployment_\w+|group_change_\w+)"', FILES["page.js"]))
    assert sent - {"deployment_event"} <= heard
