"""docs/local.md: what the scheduler shows of its state, and tells on the stream, has exactly the fields of the page."""

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec.structs import fields

from milepost.local.apps import group_update
from milepost.local.apps.definition import Definition
from milepost.local.scheduler import events
from milepost.local.scheduler.effects import Probed
from support.eventful import eventful_life
from support.local_server import Api, local_api, until
from support.local_world import CHECKED, definition
from support.shared import ROOT
from support.tables import tables

pytestmark = pytest.mark.anyio

PAGE = tables(ROOT / "docs" / "local.md")
SOURCES = ROOT / "src" / "milepost" / "local"
CHECK = {"protocol": "HTTP", "gracePeriodSeconds": 0, "intervalSeconds": 3600, "maxConsecutiveFailures": 0}
STREAM = {"Accept": "text/event-stream"}
APP: dict[str, Any] = {"id": "web", "cmd": "sleep 1000"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with local_api(tmp_path) as api:
        yield api


def names(document: Mapping[str, Any], *inner: str) -> set[str]:
    """The document's fields, and those within its `inner` ones, or within the first element of these."""
    found = set(document)
    for name in inner:
        within = document.get(name, {})
        found |= {f"{name}.{key}" for key in (within[0] if isinstance(within, list) else within)}
    return found


def fits(heading: str, found: Iterable[str]) -> None:
    """Exactly the fields that the page does not call absent were found."""
    assert set(found) == {row["field"] for row in PAGE[heading] if row["state"] != "absent"}


async def test_the_state_of_an_app_has_the_fields_of_the_page(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    await api.deployed()
    api.runtime.crash((await api.app("web"))["tasks"][0]["id"])
    path = "web?embed=app.readiness&embed=app.taskStats"
    app = await until(lambda: api.app(path), lambda app: "lastTaskFailure" in app)
    definition_fields = {field.encode_name for field in fields(Definition)}
    fits("What is shown of an app's state", names(app, "lastTaskFailure") - definition_fields)


async def test_a_task_has_the_fields_of_the_page(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "healthChecks": [CHECK]}, expect=201)
    (task,) = (await until(lambda: api.app("web"), lambda app: app["tasksRunning"]))["tasks"]
    api.engine.tell(Probed(task["id"], 0, None))
    api.engine.tell(Probed(task["id"], 0, "503 Service Unavailable"))
    fits("Task", names((await api.app("web"))["tasks"][0], "healthCheckResults"))


async def test_a_group_has_the_fields_of_the_page(api: Api) -> None:
    await api.call("POST", "/v2/groups", {"id": "shop", "apps": [APP]}, expect=201)
    sent = {field.encode_name for field in fields(group_update._Input)}
    fits("Group", names(await api.call("GET", "/v2/groups/shop")) | sent)


async def test_a_deployment_has_the_fields_of_the_page(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "constraints": [["rack", "IS", "z"]]}, expect=201)
    fits("Deployment", names((await api.call("GET", "/v2/deployments"))[0], "steps", "currentActions"))


async def test_what_waits_has_the_fields_of_the_page(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "instances": 3, "constraints": [["hostname", "UNIQUE"]]}, expect=201)
    (item,) = (await api.call("GET", "/v2/queue?embed=lastUnusedOffers"))["queue"]
    fits("Queue", names(item, "delay", "processedOffersSummary"))


async def test_the_scheduler_tells_of_itself_what_the_page_says(api: Api) -> None:
    info = await api.call("GET", "/v2/info")
    fits("Info", names(info, "marathon_config", "zookeeper_config", "http_config"))


async def told(api: Api) -> dict[str, set[str]]:
    """The fields of each type of event, once everything has happened."""
    world = eventful_life()
    found = {event.type: set(event.body) for event in world.events}
    posted = events.api_post(definition(CHECKED), "127.0.0.1", "/v2/apps", world.now_s)
    with api.engine.hub.listening(None, lambda: None, light=True) as frames:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(api.client.get, "/v2/events?event_type=none", headers=STREAM))
            attached = await _body(await frames.receive())
            group.cancel_scope.cancel()
        detached = await _body(await frames.receive())
    return found | {body["eventType"]: set(body) for body in (posted.body, attached, detached)}


async def _body(frame: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(frame.partition(b"data: ")[2])
    return body


async def test_an_event_has_the_fields_of_the_page(api: Api) -> None:
    rows = {row["event"]: set(re.findall(r"\w+", row["fields"])) for row in PAGE["Events"] if row["state"] != "absent"}
    found = await told(api)
    assert {kind: have - {"eventType", "timestamp"} for kind, have in found.items()} == rows


def test_an_event_that_the_code_names_has_a_row_and_one_that_is_absent_is_not_named() -> None:
    code = "\n".join(path.read_text() for path in sorted(SOURCES.rglob("*.py")))
    kinds = r'"(\w+_event|deployment_\w+|group_change_\w+|event_stream_\w+)"'
    states = {row["event"]: row["state"] for row in PAGE["Events"]}
    named = set(re.findall(kinds, code)) - {"deployment_event"}
    assert named == {kind for kind, state in states.items() if state != "absent"}
