"""What every request and answer has in common (marathon-api 2)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from milepost.local.api.manners import plain_path
from support.local_server import Api, local_api

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with local_api(tmp_path) as api:
        yield api


@pytest.mark.parametrize("path", ["/v2/apps", "/v2/none", "/ping", "/v2/apps/none", "/metrics", "/"])
async def test_every_answer_has_a_leaders_headers(api: Api, path: str) -> None:
    headers = (await api.client.get(path)).headers
    assert headers["cache-control"] == "no-cache, no-store, must-revalidate"
    assert (headers["pragma"], headers["expires"]) == ("no-cache", "0")
    assert headers["x-marathon-leader"] == "http://127.0.0.1:8080"
    assert (headers["x-frame-options"], headers["x-xss-protection"]) == ("DENY", "1; mode=block")
    assert "server" not in headers


@pytest.mark.parametrize(
    "path", ["/v2/tasks/", "/v2//tasks", "//v2/tasks", "/v2/deployments/", "/v2/info/", "/v2/apps/"]
)
async def test_slashes_too_many_lead_nowhere_else(api: Api, path: str) -> None:
    assert (await api.client.get(f"http://local{path}")).status_code == 200


def test_only_the_apis_own_paths_lose_their_slashes() -> None:
    assert plain_path("/v2/apps//shop//web/") == "/v2/apps/shop/web"
    assert plain_path("/ui//x/") == "/ui//x/"


async def test_the_root_leads_to_the_page_for_people(api: Api) -> None:
    answer = await api.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/ui/")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", None])
async def test_a_body_is_read_as_json_whatever_its_type_says(api: Api, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await api.client.post("/v2/apps", content=b'{"id":"/web","cmd":"sleep 1000"}', headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("value", "is_forced"), [("true", True), ("True", True), ("TRUE", True), ("1", False), ("", False)]
)
async def test_only_the_word_true_is_true(api: Api, value: str, is_forced: bool) -> None:
    await api.call("POST", "/v2/apps", {"id": "/web", "cmd": "sleep 1000"}, expect=201)
    await api.call("PUT", f"/v2/apps/web?force={value}", {"instances": 2}, expect=200 if is_forced else 409)


async def test_a_pod_list_is_empty_under_all_its_names(api: Api) -> None:
    for path in ("/v2/pods", "/v2/pods/::status", "/v2/pods::status"):
        assert await api.call("GET", path) == []
    assert (await api.call("GET", "/v2/pods/x::status", expect=404))["message"] == "Pod '/x' does not exist"
    await api.call("POST", "/v2/pods", {"id": "/x"}, expect=405)
