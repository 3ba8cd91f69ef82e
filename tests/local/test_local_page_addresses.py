"""docs/local.md: every address answers what the page says, and every address is there."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.routing import Match, Route
from starlette.types import Message

from milepost.local.api.application import application
from milepost.local.api.apps import Apps
from support.local_server import Api, local_api
from support.shared import ROOT
from support.tables import Row, tables

pytestmark = pytest.mark.anyio

PAGE = tables(ROOT / "docs" / "local.md")
SLEEPER = {"cmd": "sleep 1000"}
BODIES: dict[str, Any] = {
    "POST /v2/apps": {"id": "/fresh", **SLEEPER},
    "PUT /v2/apps": [{"id": "/web", "instances": 2}, {"id": "/fresh", **SLEEPER}],
    "PATCH /v2/apps": [{"id": "/web", "instances": 2}],
    "PUT /v2/apps/{id}": {"instances": 2},
    "PATCH /v2/apps/{id}": {"instances": 2},
    "PUT /v2/apps/{id}?partialUpdate=false&force=true": SLEEPER,
    "POST /v2/tasks/delete": {"ids": ["{task}"]},
    "POST /v2/groups": {"id": "/fresh", "apps": []},
    "POST /v2/groups/{new}": {"apps": []},
    "PUT /v2/groups": {"id": "/fresh", "apps": []},
    "PUT /v2/groups/{group}": {"scaleBy": 2},
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with local_api(tmp_path) as api:
        yield api


async def scene(api: Api) -> dict[str, str]:
    """Something of each kind, and its name: an app in its second version, a group, a task, an app that waits."""
    await api.call("POST", "/v2/apps", {"id": "web", **SLEEPER}, expect=201)
    await api.deployed()
    await api.call("PUT", "/v2/apps/web", {"env": {"A": "b"}})
    await api.call("POST", "/v2/groups", {"id": "shop", "apps": [{"id": "db", **SLEEPER}]}, expect=201)
    await api.deployed()
    await api.call("POST", "/v2/apps", {"id": "late", **SLEEPER, "constraints": [["rack", "IS", "z"]]}, expect=201)
    return {
        "id": "web",
        "group": "shop",
        "new": "fresh",
        "waiting": "late",
        "task": (await api.app("web"))["tasks"][0]["id"],
        "version": (await api.call("GET", "/v2/apps/web/versions"))["versions"][-1],
        "group version": (await api.call("GET", "/v2/groups/shop/versions"))[0],
        "deployment": (await api.call("GET", "/v2/deployments"))[0]["id"],
    }


def filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def body_of(request: str) -> str:
    """What is sent with it: the same whatever the query says, unless that has a body of its own."""
    body = BODIES.get(request, BODIES.get(request.partition("?")[0]))
    return "" if body is None else json.dumps(body)


@pytest.mark.parametrize("row", PAGE["Addresses"], ids=lambda row: row["request"])
async def test_an_address_answers_what_the_page_says(api: Api, row: Row) -> None:
    method, path = filled(row["request"], names := await scene(api)).split(" ", 1)
    if path.startswith("/v2/events"):
        status = await streamed(api, path)
    else:
        status = (await api.client.request(method, path, content=filled(body_of(row["request"]), names))).status_code
    assert status == int(row["answers"])
    assert (row["state"] == "absent") is (status >= 400)


@pytest.mark.parametrize("row", PAGE["Refusals"], ids=lambda row: f"{row['request']} {row['body']}")
async def test_a_refusal_is_worded_as_the_page_says(api: Api, row: Row) -> None:
    names = await scene(api)
    method, path = filled(row["request"], names).split(" ", 1)
    before = await api.call("GET", "/v2/groups")
    answer = await api.client.request(method, path, content=filled(row["body"], names))
    assert (answer.status_code, answer.json()["message"]) == (int(row["answers"]), row["message"])
    assert await api.call("GET", "/v2/groups") == before


async def streamed(api: Api, path: str) -> int:
    """The status of an event stream that its client leaves after the first piece."""
    heard: list[Message] = []
    has_heard = anyio.Event()

    async def receive() -> Message:
        await has_heard.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        heard.append(message)
        has_heard.set()

    query = path.partition("?")[2].encode()
    headers = [(b"accept", b"text/event-stream, */*")]
    scope = {"type": "http", "method": "GET", "path": "/v2/events", "query_string": query, "headers": headers}
    await application(api.engine, "127.0.0.1:8080", lambda: None)(scope, receive, send)
    status: int = heard[0]["status"]
    return status


async def test_every_address_of_the_scheduler_has_a_row(api: Api) -> None:
    rows = [row["request"].partition("?")[0].split(" ", 1) for row in PAGE["Addresses"]]
    for route in application(api.engine, "127.0.0.1:8080", lambda: None).routes:
        for method in getattr(route, "methods", None) or ():
            if method != "HEAD" and isinstance(route, Route):
                scopes = [{"type": "http", "method": each, "path": path} for each, path in rows if each == method]
                assert any(route.matches(scope)[0] == Match.FULL for scope in scopes), (method, route.path)
    requests = {" ".join(row) for row in rows}
    for method, resource in Apps(api.engine)._handlers:
        assert f"{method} /v2/apps/{{id}}" + (f"/{resource}" if resource else "") in requests


def test_every_row_knows_its_state_and_says_why_it_is_not_done() -> None:
    for heading, rows in PAGE.items():
        for row in rows:
            if "state" in row:
                assert row["state"] in ("done", "different", "absent"), (heading, row)
                assert row["state"] == "done" or row["remark"], (heading, row)
