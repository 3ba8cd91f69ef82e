"""Groups, called as clients call them (marathon-api 6.12)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.local_server import Api, local_api

pytestmark = pytest.mark.anyio

SHOP: dict[str, Any] = {
    "id": "/shop",
    "dependencies": ["/base"],
    "apps": [{"id": "web", "cmd": "sleep 1000", "instances": 2}],
    "groups": [{"id": "back", "apps": [{"id": "db", "cmd": "sleep 1000"}, {"id": "cache", "cmd": "sleep 1000"}]}],
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with local_api(tmp_path) as api:
        yield api


@pytest.fixture
async def shop(api: Api) -> Api:
    """The API with the group /shop deployed."""
    await api.call("POST", "/v2/groups", SHOP, expect=201)
    await api.deployed()
    return api


async def names(api: Api, group: str = "") -> list[str]:
    return sorted(app["id"] for app in await api.call("GET", f"/v2/groups{group}/apps"))


ALL = ["/shop/back/cache", "/shop/back/db", "/shop/web"]


async def test_a_group_is_created_whole_by_one_deployment(api: Api) -> None:
    response = await api.client.post("/v2/groups", json=SHOP)
    assert (response.status_code, response.headers["location"]) == (201, "/shop")
    (deployment,) = await api.call("GET", "/v2/deployments")
    assert deployment["id"] == response.json()["deploymentId"] == response.headers["marathon-deployment-id"]
    assert deployment["affectedApps"] == ALL
    group = await api.call("GET", "/v2/groups/shop")
    assert group["dependencies"] == ["/base"]
    assert [each["id"] for each in group["groups"]] == ["/shop/back"]
    assert [each["id"] for each in group["apps"]] == ["/shop/web"]
    assert {app["version"] for app in group["apps"] + group["groups"][0]["apps"]} == {response.json()["version"]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (SHOP, "Group /shop is already created. Use PUT to change this group."),
        ({"id": "/"}, "Group / is already created. Use PUT to change this group."),
        ({}, "Group / is already created. Use PUT to change this group."),
        ({"id": "/shop/web"}, "An app with the path /shop/web already exists."),
    ],
)
async def test_an_id_is_taken_once(shop: Api, body: object, message: str) -> None:
    assert await shop.call("POST", "/v2/groups", body, expect=409) == {"message": message}


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"apps": []}, ["/shop/back/cache", "/shop/back/db"]),
        ({"groups": []}, ["/shop/web"]),
        ({"dependencies": []}, ALL),
        ({"groups": [{"id": "back", "apps": [{"id": "db", "cmd": "sleep 1"}]}]}, ["/shop/back/db", "/shop/web"]),
    ],
)
async def test_a_list_that_is_given_replaces_its_level_and_no_other(shop: Api, change: object, left: list[str]) -> None:
    await shop.call("PUT", "/v2/groups/shop", change)
    assert await names(shop, "/shop") == left
    await shop.deployed()


async def test_a_dry_run_tells_the_steps_and_changes_nothing(shop: Api) -> None:
    before = await shop.call("GET", "/v2/groups")
    answer = await shop.call("PUT", "/v2/groups/shop?dryRun=true", {"apps": []})
    assert answer == {"steps": [{"actions": [{"action": "StopApplication", "app": "/shop/web"}]}]}
    assert await shop.call("GET", "/v2/groups") == before


async def test_scaling_a_group_scales_every_app_below_it(shop: Api) -> None:
    await shop.call("PUT", "/v2/groups/shop", {"scaleBy": 1.5})
    counts = {app["id"]: app["instances"] for app in await shop.call("GET", "/v2/groups/apps")}
    assert counts == {"/shop/web": 3, "/shop/back/db": 2, "/shop/back/cache": 2}
    await shop.deployed()


async def test_scaling_a_group_keeps_the_rules_of_its_apps(shop: Api) -> None:
    single = {
        "id": "/shop/one",
        "cmd": "sleep 1000",
        "labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"},
        "upgradeStrategy": {"minimumHealthCapacity": 0, "maximumOverCapacity": 0},
    }
    await shop.call("POST", "/v2/apps", single, expect=201)
    await shop.deployed()
    before = await shop.call("GET", "/v2/groups")
    (detail,) = (await shop.call("PUT", "/v2/groups/shop", {"scaleBy": 2}, expect=422))["details"]
    assert detail["path"] == "/scaleBy"
    assert detail["errors"][0].startswith("/shop/one: ")
    assert await shop.call("GET", "/v2/groups") == before


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("place", ["/versions/y", "/shop/versions", "/shop/versions/y", "/shop/versions/y/"])
async def test_versions_of_a_group_are_only_read(shop: Api, method: str, place: str) -> None:
    before = await shop.call("GET", "/v2/groups")
    bodies: tuple[dict[str, Any], ...] = ({}, {"apps": []})
    for body in bodies:
        await shop.call(method, f"/v2/groups{place}", body, expect=405)
    assert await shop.call("GET", "/v2/groups") == before


async def test_a_group_goes_back_to_a_version_that_is_kept(shop: Api) -> None:
    (first,) = await shop.call("GET", "/v2/groups/shop/versions")
    await shop.call("PUT", "/v2/groups/shop", {"groups": [], "dependencies": []})
    await shop.deployed()
    old = await shop.call("GET", f"/v2/groups/shop/versions/{first}")
    assert [each["id"] for each in old["groups"]] == ["/shop/back"]
    await shop.call("PUT", "/v2/groups/shop", {"version": first})
    assert await names(shop) == ALL
    assert (await shop.call("GET", "/v2/groups/shop"))["dependencies"] == ["/base"]


async def test_a_group_is_deleted_with_all_that_lies_in_it(shop: Api) -> None:
    await shop.call("POST", "/v2/apps", {"id": "/other", "cmd": "sleep 1000"}, expect=201)
    await shop.call("DELETE", "/v2/groups/shop")
    assert await names(shop) == ["/other"]
    answer = await shop.call("GET", "/v2/groups/shop", expect=404)
    assert answer == {"message": "Group '/shop' does not exist"}


async def test_all_goes_with_the_root(shop: Api) -> None:
    await shop.call("DELETE", "/v2/groups")
    await shop.deployed()
    root = await shop.call("GET", "/v2/groups")
    assert (root["apps"], root["groups"]) == ([], [])


async def test_a_group_outlives_its_last_app(api: Api) -> None:
    await api.call("POST", "/v2/apps", {"id": "/a/b/c", "cmd": "sleep 1000"}, expect=201)
    await api.call("DELETE", "/v2/apps/a/b/c")
    assert (await api.call("GET", "/v2/groups/a/b"))["apps"] == []


async def test_undoing_the_deployment_of_a_new_group_takes_the_group_away(api: Api) -> None:
    deployment = (await api.call("POST", "/v2/groups", SHOP, expect=201))["deploymentId"]
    await api.call("DELETE", f"/v2/deployments/{deployment}")
    await api.call("GET", "/v2/groups/shop", expect=404)
    assert await names(api) == []


async def test_while_an_app_is_locked_its_group_is_too_unless_forced(api: Api) -> None:
    sick = {"id": "a", "cmd": "sleep 1000", "healthChecks": [{"protocol": "COMMAND", "command": {"value": "false"}}]}
    first = (await api.call("POST", "/v2/groups", {"id": "/g", "apps": [sick]}, expect=201))["deploymentId"]
    refused = await api.call("DELETE", "/v2/groups/g", expect=409)
    assert refused["deployments"] == [{"id": first}]
    assert refused["message"].startswith("App is locked by one or more deployments.")
    await api.call("DELETE", "/v2/groups/g?force=true")
    await api.deployed()


async def test_what_a_group_depends_on_is_deployed_first(api: Api) -> None:
    base = {"id": "base", "apps": [{"id": "db", "cmd": "sleep 1000"}]}
    web = {"id": "web", "dependencies": ["base"], "apps": [{"id": "site", "cmd": "sleep 1000"}]}
    answer = await api.call("PUT", "/v2/groups?dryRun=true", {"groups": [web, base]})
    scaled = [step["actions"][0]["app"] for step in answer["steps"][1:]]
    assert scaled == ["/base/db", "/web/site"]


async def test_only_the_parts_that_are_asked_for_are_filled(shop: Api) -> None:
    apps = await shop.call("GET", "/v2/groups/shop?embed=group.apps&embed=group.apps.counts")
    assert apps["groups"] == []
    assert apps["apps"][0]["tasksRunning"] == 2
    tasks = (await shop.call("GET", "/v2/groups/shop?embed=group.apps.tasks"))["apps"][0]
    assert (len(tasks["tasks"]), "deployments" in tasks, "tasksRunning" in tasks) == (2, True, False)
    groups = await shop.call("GET", "/v2/groups/shop?embed=group.groups")
    assert (groups["apps"], groups["groups"][0]["apps"]) == ([], [])


@pytest.mark.parametrize(
    ("body", "path", "error"),
    [
        ([], "/", "error.expected.jsobject"),
        ({"apps": 1}, "/apps", "error.expected.jsarray"),
        ({"apps": [1]}, "/apps(0)", "error.expected.jsobject"),
        ({"apps": [{"cmd": "x y"}]}, "/apps(0)/id", "error.path.missing"),
        ({"apps": [{"id": "a", "cmd": "x y"}] * 2}, "/apps", "each must have an id of its own"),
        ({"groups": [{"id": "a"}] * 2}, "/groups", "each must have an id of its own"),
        ({"groups": [{"apps": []}]}, "/groups(0)/id", "error.path.missing"),
        ({"id": "UP"}, "/id", "must fully match regular expression"),
        ({"groups": [{"id": "g", "apps": [{"id": "a", "cpus": "x"}]}]}, "/groups(0)/apps(0)/cpus", "jsnumber"),
        ({"apps": [{"id": "/other/a", "cmd": "x y"}]}, "/apps(0)/id", "Identifier is not child of '/shop'"),
        ({"groups": [{"id": "/other"}]}, "/groups(0)/id", "Identifier is not child of '/shop'"),
        ({"scaleBy": 2, "apps": []}, "/scaleBy", "not allowed in conjunction with other properties."),
        ({"version": "x", "groups": []}, "/version", "not allowed in conjunction with other properties."),
        ({"scaleBy": -1}, "/scaleBy", "expected 0 or more"),
        ({"apps": [{"id": "back", "cmd": "x y"}]}, "/", "may not have the same identifier"),
        ({"dependencies": ["/shop"]}, "/", "cyclic"),
    ],
)
async def test_what_is_wrong_is_told_with_its_place_and_nothing_changes(
    shop: Api, body: object, path: str, error: str
) -> None:
    before = await shop.call("GET", "/v2/groups")
    (detail,) = (await shop.call("PUT", "/v2/groups/shop", body, expect=422))["details"]
    assert detail["path"] == path
    assert error in detail["errors"][0]
    assert await shop.call("GET", "/v2/groups") == before
