"""Marathon's own example definitions are taken or refused as its API says, and come back as they were meant."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.local_server import Api, local_api
from support.normal_form import ALWAYS, WHEN_SET, Document, differences, expected
from support.shared import SHARED, needs_shared

pytestmark = [pytest.mark.anyio, needs_shared]

MARATHON = SHARED / "marathon"
NEITHER = "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."
GROUPS = {"Group.json", "sleep-group.json"}
DOCS = ("docs-examples-1.4", "docs-examples-1.10")


def names(*patterns: str) -> list[str]:
    return sorted(str(path.relative_to(MARATHON)) for pattern in patterns for path in MARATHON.glob(pattern))


def sample(name: str) -> Any:
    return json.loads((MARATHON / name).read_text())


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with local_api(tmp_path) as api:
        yield api


async def assert_kept(api: Api, sent: Document, group: str = "") -> None:
    """The app comes back with all that was sent, in the new form, and with nothing that no Marathon writes."""
    wanted = expected(sent, group)
    found = await api.app(wanted["id"])
    assert list(differences(wanted, found)) == []
    assert not ALWAYS - set(found)
    assert not set(found) - ALWAYS - WHEN_SET


APPS = [name for name in names("apps-1.4/*.json", "apps-system/*.json") if Path(name).name not in GROUPS]


@pytest.mark.parametrize("name", [*APPS, "docs-examples-1.10/app-check-http-example.json"])
async def test_an_example_app_is_taken_and_comes_back_whole(api: Api, name: str) -> None:
    sent = sample(name)
    await api.call("POST", "/v2/apps", sent, expect=201)
    await assert_kept(api, sent)


@pytest.mark.parametrize("name", ["apps-1.4/Group.json", "groups-system/sleep-group.json"])
async def test_an_example_group_is_taken_with_its_apps(api: Api, name: str) -> None:
    sent = sample(name)
    await api.call("POST", "/v2/groups", sent, expect=201)
    for app, group in apps_of(sent):
        await assert_kept(api, app, group)


def apps_of(group: Document, base: str = "") -> Iterator[tuple[Document, str]]:
    own = group["id"].rstrip("/") if group["id"].startswith("/") else f"{base}/{group['id']}"
    yield from ((app, own) for app in group.get("apps", ()))
    for child in group.get("groups", ()):
        yield from apps_of(child, own)


@pytest.mark.parametrize("folder", DOCS)
async def test_a_group_as_it_is_read_is_refused_for_its_version_and_taken_without(api: Api, folder: str) -> None:
    sent = sample(f"{folder}/group.json")
    answer = await api.call("POST", "/v2/groups", sent, expect=409)
    assert answer["message"] == "Group / is already created. Use PUT to change this group."
    answer = await api.call("PUT", "/v2/groups", sent, expect=422)
    alone = "not allowed in conjunction with other properties."
    assert answer["details"] == [{"path": "/version", "errors": [alone]}]
    await api.call("PUT", "/v2/groups", without_versions(sent))
    for app, group in apps_of(sent):
        await assert_kept(api, app, group)


def without_versions(group: Document) -> Document:
    kept = {name: value for name, value in group.items() if name != "version"}
    return kept | {"groups": [without_versions(each) for each in group["groups"]]}


@pytest.mark.parametrize("folder", DOCS)
async def test_the_example_of_all_members_contradicts_itself_and_is_taken_once_it_does_not(
    api: Api, folder: str
) -> None:
    sent = sample(f"{folder}/app.json")
    answer = await api.call("POST", "/v2/apps", sent, expect=422)
    assert answer == {"message": "Object is not valid", "details": [{"path": "/", "errors": [NEITHER]}]}
    assert (await api.call("GET", "/v2/apps")) == {"apps": []}
    consistent = {name: value for name, value in sent.items() if name not in ("args", "ipAddress", "portDefinitions")}
    await api.call("POST", "/v2/apps", consistent, expect=201)
    await assert_kept(api, consistent)


@pytest.mark.parametrize("folder", DOCS)
async def test_the_example_changes_of_one_and_of_several_apps_are_taken(api: Api, folder: str) -> None:
    created, patched = sample(f"{folder}/apps_create.json"), sample(f"{folder}/apps_patch.json")
    await api.call("PUT", "/v2/apps", created)
    for app in created:
        await assert_kept(api, app)
    await api.call("PATCH", "/v2/apps?force=true", patched)
    for app, change in zip(created, patched, strict=True):
        await assert_kept(api, app | change)
    await api.call("POST", "/v2/apps", {"id": "/foo", "cmd": "sleep 1000"}, expect=201)
    change = sample(f"{folder}/app_patch.json")
    await api.call("PATCH", "/v2/apps/foo?force=true", change)
    await assert_kept(api, {"cmd": "sleep 1000", **change})


@pytest.mark.parametrize("name", names("pods-system/*.json", "docs-examples-*/pod.json"))
async def test_a_pod_is_no_app(api: Api, name: str) -> None:
    answer = await api.call("POST", "/v2/apps", sample(name), expect=422)
    assert {"path": "/", "errors": [NEITHER]} in answer["details"]
    assert (await api.call("GET", "/v2/apps")) == {"apps": []}


@pytest.mark.parametrize("name", names("large/*.json"))
async def test_all_apps_of_a_real_cluster_are_taken_at_once(api: Api, name: str) -> None:
    apps = [{**app, "cmd": app.get("cmd", "sleep 1000")} for app in sample(name)["apps"]]
    await api.call("PUT", "/v2/apps", apps)
    found = {app["id"]: app for app in (await api.call("GET", "/v2/apps?embed=apps.tasks"))["apps"]}
    assert found.keys() == {app["id"] for app in apps}
    for app in apps:
        assert list(differences(expected(app), found[app["id"]])) == []
