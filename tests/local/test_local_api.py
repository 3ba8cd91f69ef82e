"""Marathon's HTTP API, called as clients call it (marathon-api 2, 6, 7)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.local_server import Api, local_api, until

pytestmark = pytest.mark.anyio

APP: dict[str, Any] = {"id": "web", "cmd": "sleep 1000"}
NO_TIME = "Invalid timestamp provided 'x'. Expecting ISO-8601 datetime string."
BRIDGE: dict[str, Any] = {
    "id": "/shop/web",
    "labels": {"HAPROXY_GROUP": "external"},
    "container": {
        "type": "DOCKER",
        "docker": {"image": "nginx", "network": "BRIDGE", "portMappings": [{"containerPort": 80}]},
    },
}
PORTS = [{"port": 0, "name": "http"}]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with local_api(tmp_path) as api:
        yield api


async def test_a_created_app_is_answered_with_its_deployment(api: Api) -> None:
    response = await api.client.post("/v2/apps", json=APP)
    assert response.status_code == 201
    assert response.headers["location"] == "/web"
    assert response.headers["cache-control"] == "no-cache, no-store, must-revalidate"
    body = response.json()
    assert body["deployments"] == [{"id": response.headers["marathon-deployment-id"]}]
    assert "versionInfo" not in body
    assert body["version"] == (await api.app("web"))["version"]


async def test_a_new_deployment_is_listed_until_its_task_runs(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    (deployment,) = await api.call("GET", "/v2/deployments")
    assert deployment["affectedApps"] == ["/web"]
    assert (deployment["currentStep"], deployment["totalSteps"]) == (2, 2)
    await api.deployed()


async def test_an_id_is_taken_once(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    answer = await api.call("POST", "/v2/apps", APP, expect=409)
    assert answer == {"message": "An app with id [/web] already exists."}


@pytest.mark.parametrize("path", ["shop/web", "/shop/web", "//shop//web/", "%2Fshop%2Fweb"])
async def test_slashes_more_or_less_name_the_same_app(api: Api, path: str) -> None:
    await api.call("POST", "/v2/apps", BRIDGE, expect=201)
    assert (await api.app(path))["id"] == "/shop/web"


async def test_a_service_port_is_assigned_and_shown_in_both_shapes(api: Api) -> None:
    await api.call("POST", "/v2/apps", BRIDGE, expect=201)
    app = await api.app("shop/web")
    assert app["ports"] == [10000]
    assert app["container"]["portMappings"][0]["servicePort"] == 10000


async def test_the_list_shows_tasks_only_where_they_are_asked_for(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    await api.deployed()
    for query, shown in [("", False), ("?embed=apps.counts", False), ("?embed=apps.tasks&embed=apps.counts", True)]:
        (app,) = (await api.call("GET", f"/v2/apps{query}"))["apps"]
        assert ("tasks" in app, app["tasksRunning"]) == (shown, 1)


async def test_while_a_deployment_runs_it_is_shown_whether_its_tasks_are_ready(api: Api) -> None:
    readiness = [{"name": "up", "portName": "http"}]  # an idle task answers nobody
    await api.call("POST", "/v2/apps", {**APP, "readinessChecks": readiness, "portDefinitions": PORTS}, expect=201)
    for path in ("/v2/apps/web?embed=app.tasks&embed=apps.readiness", "/v2/apps?embed=apps.tasks&embed=apps.readiness"):
        with anyio.fail_after(10):
            while not (shown := _only(await api.call("GET", path)))["readinessCheckResults"]:
                await anyio.sleep(0.01)
        (task,) = shown["tasks"]
        assert shown["readinessCheckResults"] == [{"name": "up", "taskId": task["id"], "ready": False}]
    (deployment,) = await api.call("GET", "/v2/deployments")
    assert deployment["currentActions"][0]["readinessCheckResults"] == shown["readinessCheckResults"]
    assert "readinessCheckResults" not in await api.app("web")


async def test_statistics_of_tasks_are_shown_where_they_are_asked_for(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    await api.deployed()
    (group,) = (await api.call("GET", "/v2/groups?embed=group.apps&embed=group.apps.taskStats"))["apps"]
    for app in (_only(await api.call("GET", "/v2/apps?embed=apps.taskStats")), group):
        assert app["taskStats"]["totalSummary"]["stats"]["counts"]["running"] == 1
    for app in (await api.app("web?embed=app.taskStats"), _only(await api.call("GET", "/v2/apps/*?embed=taskStats"))):
        assert "withOutdatedConfig" not in app["taskStats"]
    assert "taskStats" not in await api.app("web")


def _only(answer: Any) -> Any:
    return answer["app"] if "app" in answer else answer.get("apps", answer.get("*"))[0]


@pytest.mark.parametrize(
    ("query", "found"),
    [("id=SHOP", ["/shop/web"]), ("cmd=sleep", ["/web"]), ("label=HAPROXY_GROUP==external", ["/shop/web"])],
)
async def test_the_list_can_be_filtered(api: Api, query: str, found: list[str]) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    await api.call("POST", "/v2/apps", BRIDGE, expect=201)
    assert [app["id"] for app in (await api.call("GET", f"/v2/apps?{query}"))["apps"]] == found


async def test_a_task_is_shown_with_its_place_and_state(api: Api) -> None:
    await api.call("POST", "/v2/apps", BRIDGE, expect=201)
    await api.deployed()
    (task,) = (await api.call("GET", "/v2/tasks"))["tasks"]
    assert (task["appId"], task["state"], task["servicePorts"]) == ("/shop/web", "TASK_RUNNING", [10000])
    assert task["host"].startswith("127.0.59.")
    assert task["ports"][0] in range(31_000, 32_001)
    own = (await api.call("GET", "/v2/apps/shop/web/tasks"))["tasks"]
    assert own == [{**task, "servicePorts": []}]


async def test_tasks_as_text_are_one_line_a_service_port(api: Api) -> None:
    await api.call("POST", "/v2/apps", BRIDGE, expect=201)
    await api.deployed()
    (task,) = (await api.call("GET", "/v2/tasks"))["tasks"]
    for path in ("/v2/tasks", "/v2/apps/shop/web/tasks", "/v2/apps/shop/*/tasks"):
        text = (await api.client.get(path, headers={"Accept": "text/plain"})).text
        assert text == f"shop_web\t10000\t{task['host']}:{task['ports'][0]}\t\n"


async def test_a_put_changes_what_it_names_and_creates_what_is_missing(api: Api) -> None:
    await api.call("PUT", "/v2/apps/web", {"cmd": "sleep 1000", "labels": {"a": "b"}}, expect=201)
    await api.deployed()
    await api.call("PUT", "/v2/apps//web", {"id": "/ignored", "instances": 2})
    await api.deployed()
    app = await api.app("web")
    assert (app["instances"], app["labels"], len(app["tasks"])) == (2, {"a": "b"}, 2)
    await api.call("PUT", "/v2/apps/web?partialUpdate=false", {"cmd": "sleep 1000"})
    assert (await api.app("web"))["labels"] == {}


async def test_a_patch_needs_an_app(api: Api) -> None:
    answer = await api.call("PATCH", "/v2/apps/web", {"instances": 2}, expect=404)
    assert answer == {"message": "App '/web' does not exist"}


async def test_several_apps_change_in_one_deployment_and_version(api: Api) -> None:
    answer = await api.call("PUT", "/v2/apps", [APP, BRIDGE])
    (deployment,) = await api.call("GET", "/v2/deployments")
    assert deployment["id"] == answer["deploymentId"]
    assert {app["version"] for app in (await api.call("GET", "/v2/apps"))["apps"]} == {answer["version"]}


async def test_an_older_version_can_be_read_and_gone_back_to(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    await api.deployed()
    await api.call("PUT", "/v2/apps/web", {"cmd": "sleep 2000"})
    await api.deployed()
    new, old = (await api.call("GET", "/v2/apps/web/versions"))["versions"]
    assert (await api.call("GET", f"/v2/apps/web/versions/{old}"))["cmd"] == "sleep 1000"
    assert (await api.call("GET", f"/v2/apps/web/versions/{new}"))["cmd"] == "sleep 2000"
    await api.call("PUT", "/v2/apps/web", {"version": old})
    assert (await api.app("web"))["cmd"] == "sleep 1000"
    refused = await api.call("PUT", "/v2/apps/web", {"version": old, "instances": 2}, expect=422)
    assert "may only be combined" in refused["message"]


async def test_a_restart_gives_new_tasks(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    await api.deployed()
    before = {task["id"] for task in (await api.app("web"))["tasks"]}
    await api.call("POST", "/v2/apps/web/restart", {"force": False})
    await api.deployed()
    assert before.isdisjoint({task["id"] for task in (await api.app("web"))["tasks"]})


async def test_a_deleted_app_is_gone_at_once(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    answer = await api.call("DELETE", "/v2/apps/web")
    assert set(answer) == {"version", "deploymentId"}
    await api.call("GET", "/v2/apps/web", expect=404)
    await api.deployed()
    await api.call("DELETE", "/v2/apps/web", expect=404)


async def test_killed_tasks_are_answered_as_they_were_and_replaced(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "instances": 2}, expect=201)
    await api.deployed()
    before = (await api.app("web"))["tasks"]
    assert (await api.call("DELETE", f"/v2/apps/web/tasks/{before[0]['id']}"))["task"] == before[0]
    assert len((await api.call("DELETE", "/v2/apps/web/tasks"))["tasks"]) == 2
    old = {task["id"] for task in before}
    await until(
        lambda: api.app("web"),
        lambda app: app["tasksRunning"] == 2 and old.isdisjoint({task["id"] for task in app["tasks"]}),
    )


async def test_killing_with_scale_wants_fewer(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "instances": 3}, expect=201)
    await api.deployed()
    victim = (await api.app("web"))["tasks"][0]["id"]
    await api.call("POST", "/v2/tasks/delete?scale=true", {"ids": [victim]})
    await api.deployed()
    app = await api.app("web")
    assert app["instances"] == 2
    assert victim not in {task["id"] for task in app["tasks"]}


async def test_tasks_of_one_host_can_be_killed(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "instances": 4}, expect=201)
    await api.deployed()
    killed = (await api.call("DELETE", "/v2/apps/web/tasks?host=127.0.59.2"))["tasks"]
    assert {task["host"] for task in killed} == {"127.0.59.2"}
    assert (await api.call("DELETE", "/v2/apps/web/tasks?host=elsewhere"))["tasks"] == []


async def test_a_crashed_task_is_told_of_and_waits_in_the_queue(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "backoffSeconds": 300}, expect=201)
    await api.deployed()
    task_id = (await api.app("web"))["tasks"][0]["id"]
    api.runtime.crash(task_id)
    app = await until(lambda: api.app("web"), lambda app: "lastTaskFailure" in app)
    assert app["lastTaskFailure"]["taskId"] == task_id
    (task,) = app["tasks"]
    assert (task["state"], task["ports"], "stagedAt" in task) == ("TASK_FAILED", [], False)
    (item,) = (await api.call("GET", "/v2/queue"))["queue"]
    assert (item["app"]["id"], item["count"], item["delay"]["overdue"]) == ("/web", 1, False)


async def test_a_running_deployment_locks_its_app(api: Api) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    (deployment,) = await api.call("GET", "/v2/deployments")
    answer = await api.call("PUT", "/v2/apps/web", {"instances": 2}, expect=409)
    assert answer["deployments"] == [{"id": deployment["id"]}]
    await api.call("PUT", "/v2/apps/web?force=True", {"instances": 2})
    await api.deployed()


async def test_a_deployment_can_be_undone_or_just_cancelled(api: Api) -> None:
    created = await api.call("PUT", "/v2/apps/web", APP, expect=201)
    await api.call("DELETE", f"/v2/deployments/{created['deploymentId']}?force=true", expect=202)
    await api.app("web")
    changed = await api.call("PUT", "/v2/apps/web", {"cmd": "sleep 3"})
    await api.call("DELETE", f"/v2/deployments/{changed['deploymentId']}")
    assert (await api.app("web"))["cmd"] == "sleep 1000"
    answer = await api.call("DELETE", "/v2/deployments/none", expect=404)
    assert answer == {"message": "DeploymentPlan none does not exist"}


async def test_groups_hold_the_apps_that_lie_in_them(api: Api) -> None:
    await api.call("PUT", "/v2/apps", [APP, BRIDGE])
    root = await api.call("GET", "/v2/groups")
    assert [app["id"] for app in root["apps"]] == ["/web"]
    assert [app["id"] for app in root["groups"][0]["apps"]] == ["/shop/web"]
    assert (await api.call("GET", "/v2/groups//shop"))["id"] == "/shop"
    assert [app["id"] for app in await api.call("GET", "/v2/groups/shop/apps")] == ["/shop/web"]
    assert (await api.call("GET", "/v2/groups/none", expect=404))["message"] == "Group '/none' does not exist"
    assert [app["id"] for app in (await api.call("GET", "/v2/apps/shop/*"))["*"]] == ["/shop/web"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/v2/apps/none", None, 404, "App '/none' does not exist"),
        ("GET", "/v2/apps/none/tasks", None, 404, "App '/none' does not exist"),
        (
            "GET",
            "/v2/apps/web/versions/2024-05-01T12:00:00%2B02:00",
            None,
            404,
            "App '/web' does not exist in version 2024-05-01T10:00:00.000Z",
        ),
        ("GET", "/v2/apps/web/versions/x", None, 422, NO_TIME),
        ("GET", "/v2/groups/versions/x", None, 422, NO_TIME),
        ("PUT", "/v2/apps/web", {"version": "x"}, 422, NO_TIME),
        ("PUT", "/v2/groups", {"version": "x"}, 422, NO_TIME),
        ("DELETE", "/v2/apps/idle/tasks?scale=true", None, 404, "Path '/idle' does not exist"),
        ("DELETE", "/v2/apps/none/tasks?scale=true", None, 404, "Path '/none' does not exist"),
        ("DELETE", "/v2/apps/web/tasks/x", None, 404, "Task 'x' does not exist"),
        (
            "DELETE",
            "/v2/apps/web/tasks?scale=true&wipe=true",
            None,
            400,
            "You cannot use scale and wipe at the same time.",
        ),
        ("GET", "/v2/nonsense", None, 404, "URI not found: /v2/nonsense"),
        ("POST", "/v2/apps/web", {}, 405, "POST is not possible here: /v2/apps/web"),
        ("DELETE", "/v2/apps", None, 405, "DELETE is not possible here: /v2/apps"),
        ("POST", "/v2/apps", {"id": 1}, 422, "Invalid JSON"),
        ("POST", "/v2/apps", {"id": "/x"}, 422, "Object is not valid"),
        ("PUT", "/v2/apps", {"id": "/x"}, 422, "Invalid JSON"),
        ("PUT", "/v2/apps", [{"cmd": "sleep 1"}], 422, "Invalid JSON"),
        ("POST", "/v2/tasks/delete", {"ids": "x"}, 422, "Invalid JSON"),
    ],
)
async def test_what_cannot_be_done_is_said_in_marathons_shape(
    api: Api, method: str, path: str, body: object, status: int, message: str
) -> None:
    await api.call("POST", "/v2/apps", APP, expect=201)
    await api.call("POST", "/v2/apps", {**APP, "id": "idle", "instances": 0}, expect=201)
    assert (await api.call(method, path, body, expect=status))["message"] == message


@pytest.mark.parametrize("content", [b"", b"  ", b"{", b"\xff"])
async def test_a_body_that_is_no_json_is_refused_with_text(api: Api, content: bytes) -> None:
    response = await api.client.post("/v2/apps", content=content)
    assert response.status_code == 400
    assert isinstance(response.json()["details"], str)


async def test_task_ids_are_checked_for_their_form_and_unknown_ones_passed_over(api: Api) -> None:
    refused = await api.call("POST", "/v2/tasks/delete", {"ids": ["x"]}, expect=400)
    assert refused["message"].startswith("Invalid task id 'x'.")
    unknown = "web.instance-7c1a52f0-07a2-11ef-9a10-0242ac110002._app.1"
    assert await api.call("POST", "/v2/tasks/delete", {"ids": [unknown]}) == {"tasks": []}


async def test_a_launch_that_waits_for_its_backoff_is_made_at_once_when_the_delay_is_reset(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "backoffSeconds": 3600, "maxLaunchDelaySeconds": 3600}, expect=201)
    await api.deployed()
    (task,) = (await api.app("web"))["tasks"]
    missing = await api.call("DELETE", "/v2/queue//web/delay", expect=404)
    assert missing == {"message": "Application /web not found in tasks queue."}
    api.runtime.crash(task["id"])
    (queued,) = (await until(lambda: api.call("GET", "/v2/queue"), lambda found: found["queue"]))["queue"]
    assert queued["delay"]["overdue"] is False
    assert queued["delay"]["timeLeftSeconds"] > 3000
    await api.call("DELETE", "/v2/queue//web/delay", expect=204)
    await until(lambda: api.app("web"), lambda app: app["tasksRunning"] == 1)


async def test_a_leader_that_loses_its_office_says_so_and_ends(api: Api) -> None:
    assert await api.call("DELETE", "/v2/leader") == {"message": "Leadership abdicated"}
    assert api.abdicated.is_set()


async def test_its_numbers_have_the_names_and_forms_of_marathons(api: Api) -> None:
    await api.call("POST", "/v2/apps", {**APP, "id": "/shop/web", "instances": 2}, expect=201)
    await api.deployed()
    found = await api.call("GET", "/metrics")
    assert found.keys() == {"version", "counters", "gauges", "histograms", "meters", "timers"}
    assert found["gauges"]["marathon.apps.active.gauge"] == {"value": 1}
    assert found["gauges"]["marathon.instances.running.gauge"] == {"value": 2}
    assert found["gauges"]["marathon.groups.active.gauge"] == {"value": 2}
    answer = await api.client.get("/metrics/prometheus")
    samples = {each.name: each for family in text_string_to_metric_families(answer.text) for each in family.samples}
    assert samples["marathon_instances_running_gauge"].value == 2
    assert samples.keys() == {name.replace(".", "_").replace("-", "_") for name in found["gauges"]}
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_it_says_what_it_is(api: Api) -> None:
    info = await api.call("GET", "/v2/info")
    assert (info["name"], info["version"], info["leader"]) == ("marathon", "1.8.222", "127.0.0.1:8080")
    assert await api.call("GET", "/v2/leader") == {"leader": "127.0.0.1:8080"}
    assert (await api.client.get("/ping")).text == "pong"
    assert (await api.client.get("/ping", headers={"Accept": "application/json"})).json() == "pong"
    assert await api.call("GET", "/v2/plugins") == {"plugins": []}
    assert await api.call("GET", "/v2/pods") == []


@pytest.mark.system
async def test_two_thousand_apps_are_deployed_by_one_request_and_listed_in_one_answer(api: Api) -> None:
    apps = [{"id": f"/g{n % 50}/a{n}", "cmd": "true", "instances": 1, "portDefinitions": []} for n in range(2_000)]
    await api.call("PUT", "/v2/apps", apps)
    listed = (await api.call("GET", "/v2/apps?embed=apps.tasks"))["apps"]
    assert len(listed) == 2_000
