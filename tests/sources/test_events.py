"""What an event tells: which apps to look at, and what is bad news."""

import json
from typing import Any

import pytest

from milepost.sources.marathon.events import EVENT_TYPES, POD_EVENT_TYPES, Event, read_event
from milepost.sources.marathon.overlay import News
from support.shared import SHARED, needs_shared

INSTANCE = "nginx2.instance-7c1a52f0-07a2-11ef-9a10-0242ac110002"
TASK = f"{INSTANCE}._app.1"


def bad(reason: str, ref: str, state: str) -> Event:
    return Event(reason, ("/nginx2",), News(ref, state, reason, 5.0))


def launched(state: str, host: str, *ports: int) -> Event:
    reason = f"status_update_event {state}"
    return Event(reason, ("/nginx2",), News(TASK, state, reason, 5.0, host, ports, "2024-05-01T10:00:00.000Z"))


EXACT: list[tuple[str, Event]] = [
    ("status_update_event.staging", launched("TASK_STAGING", "node1", 31270)),
    ("status_update_event.running", launched("TASK_RUNNING", "node1", 31270)),
    ("status_update_event.killed", bad("status_update_event TASK_KILLED", TASK, "TASK_KILLED")),
    ("status_update_event.failed", bad("status_update_event TASK_FAILED", TASK, "TASK_FAILED")),
    ("health_status_changed_event", Event("health_status_changed_event", ("/nginx2",))),
    ("failed_health_check_event.new", bad("failed_health_check_event", INSTANCE, "")),
    ("failed_health_check_event.v1.4", bad("failed_health_check_event", INSTANCE, "")),
    ("unhealthy_instance_kill_event", bad("unhealthy_instance_kill_event", TASK, "TASK_KILLING")),
    ("api_post_event", Event("api_post_event", ("/nginx2",), is_owners=True)),
    ("app_terminated_event", Event("app_terminated_event", ("/nginx2",), is_owners=True)),
    ("deployment_info.light", Event("deployment_info", ("/nginx2",), is_owners=True)),
    ("deployment_info.full", Event("deployment_info", ("/nginx2",), is_owners=True)),
]


@needs_shared
@pytest.mark.parametrize(("sample", "event"), EXACT, ids=[sample for sample, _ in EXACT])
def test_an_event_as_marathon_writes_it_is_read(sample: str, event: Event) -> None:
    data = (SHARED / "marathon" / "events-exact" / f"{sample}.json").read_text()
    assert read_event(json.loads(data)["eventType"], data, 5.0) == event


def test_an_event_names_the_task_that_ends_by_it_but_not_one_that_is_only_ill() -> None:
    assert bad("an event", TASK, "TASK_KILLING").ended == TASK
    assert (bad("an event", TASK, "").ended, launched("TASK_RUNNING", "node1", 1).ended) == ("", "")
    assert Event("deployment_info", ("/nginx2",), is_owners=True).ended == ""


@needs_shared
def test_every_sample_of_another_type_tells_nothing() -> None:
    for path in sorted((SHARED / "marathon" / "events-exact").glob("*.json")):
        name = json.loads(path.read_text())["eventType"]
        assert name in EVENT_TYPES + POD_EVENT_TYPES or read_event(name, path.read_text(), 5.0) is None


def event(name: str, **members: Any) -> Event | None:
    return read_event(name, json.dumps({"eventType": name, **members}), 5.0)


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("status_update_event", {"taskStatus": "TASK_LOST", "taskId": TASK}),
        ("status_update_event", {"taskStatus": "TASK_UNREACHABLE", "taskId": TASK}),
        ("status_update_event", {"taskStatus": "TASK_KILLED"}),
        ("status_update_event", {"taskStatus": "TASK_STAGING", "taskId": TASK, "host": "node1", "ports": []}),
        ("status_update_event", {"taskStatus": "TASK_UNREACHABLE", "taskId": TASK, "host": "node1", "ports": [1]}),
        ("status_update_event", {"taskStatus": None, "taskId": TASK}),
        ("health_status_changed_event", {"alive": True, "instanceId": INSTANCE}),
        ("health_status_changed_event", {"alive": None, "instanceId": INSTANCE}),
        ("health_status_changed_event", {"alive": False}),
        ("unhealthy_instance_kill_event", {}),
    ],
)
def test_what_is_not_surely_bad_for_one_task_is_only_a_hint(name: str, members: dict[str, Any]) -> None:
    found = event(name, appId="/nginx2", **members)
    assert found is not None
    assert found.news is None
    assert found.app_ids == ("/nginx2",)


@pytest.mark.parametrize(
    ("name", "members", "news"),
    [
        ("health_status_changed_event", {"alive": False, "instanceId": INSTANCE}, (INSTANCE, "")),
        ("health_status_changed_event", {"alive": False, "taskId": TASK}, (TASK, "")),
        ("unhealthy_task_kill_event", {"taskId": TASK}, (TASK, "TASK_KILLING")),
        ("unhealthy_instance_kill_event", {"instanceId": INSTANCE}, (INSTANCE, "TASK_KILLING")),
        ("status_update_event", {"taskStatus": "TASK_KILLING", "taskId": TASK}, (TASK, "TASK_KILLING")),
    ],
)
def test_bad_news_is_known_by_the_best_id_it_has(name: str, members: dict[str, Any], news: tuple[str, str]) -> None:
    found = event(name, appId="/nginx2", **members)
    assert found is not None
    assert found.news is not None
    assert (found.news.ref, found.news.state) == news


@needs_shared
def test_a_deployment_names_no_task_neither_light_nor_full() -> None:
    """What `deployment_info` is only a hint for: see docs/decisions/deployments-name-apps.md."""
    samples = sorted((SHARED / "marathon" / "events-exact").glob("deployment_*.json"))
    assert {path.name.split(".")[1] for path in samples} == {"light", "full"}
    for path in samples:
        told = json.loads(path.read_text())
        steps = [*told["plan"]["steps"], *filter(None, [told.get("currentStep")])]
        assert {key for step in steps for action in step["actions"] for key in action} == {"action", "app"}


@pytest.mark.parametrize("action", ["StartApplication", "StopApplication", "ScaleApplication", "RestartApplication"])
@pytest.mark.parametrize("kind", ["action", "type"])
def test_whatever_a_deployment_does_to_an_app_is_only_a_hint(action: str, kind: str) -> None:
    found = event("deployment_info", plan={"steps": []}, currentStep={"actions": [{kind: action, "app": "/nginx2"}]})
    assert found == Event("deployment_info", ("/nginx2",), is_owners=True)


def test_a_deployment_hints_at_the_apps_and_pods_of_its_step_once_each() -> None:
    actions = [{"action": "ScaleApplication", "app": app} for app in ("/a", "/b", "/a")] + [{"pod": "/p"}]
    found = event("deployment_info", currentStep={"actions": actions})
    assert found is not None
    assert found.app_ids == ("/a", "/b", "/p")


@pytest.mark.parametrize("data", ["", "{", "[]", "{}", '{"appId": 5}', '{"appId": ""}', "<html>"])
def test_an_unreadable_event_is_an_error(data: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_event("status_update_event", data, 5.0)


@needs_shared
@pytest.mark.parametrize(
    ("sample", "app_id", "says_again"),
    [
        ("pod_created_event", "/web", False),
        ("pod_updated_event", "/web", False),
        ("pod_deleted_event", "/web", False),
        ("instance_changed_event", "/nginx2", True),
        ("instance_health_changed_event", "/nginx2", True),
    ],
)
def test_what_is_said_of_a_pod_names_it(sample: str, app_id: str, says_again: bool) -> None:
    text = (SHARED / "marathon" / "events-exact" / f"{sample}.json").read_text()
    found = read_event(sample, text, 5.0)
    assert found is not None
    assert (found.app_ids, found.says_again, found.is_owners, found.news) == (
        (app_id,),
        says_again,
        not says_again,
        None,
    )


@pytest.mark.parametrize("uri", ["/v2/pods", "/v2/apps/web", None])
def test_a_pod_event_that_names_no_pod_tells_nothing(uri: str | None) -> None:
    assert event("pod_created_event", uri=uri) is None


def test_a_pod_s_id_is_found_behind_whatever_follows_it() -> None:
    found = event("pod_deleted_event", uri="/v2/pods/shop/web::versions/x?force=true")
    assert found is not None
    assert found.app_ids == ("/shop/web",)


@pytest.mark.parametrize(
    ("name", "members", "state"),
    [
        ("instance_changed_event", {"condition": "Killing"}, "TASK_KILLING"),
        ("instance_changed_event", {"condition": "Gone"}, "TASK_GONE"),
        ("instance_health_changed_event", {"healthy": False}, ""),
    ],
)
def test_an_instance_that_ends_or_fails_its_check_is_news(name: str, members: dict[str, Any], state: str) -> None:
    found = event(name, runSpecId="/shop", instanceId="shop.instance-1", **members)
    assert found is not None
    assert found.news is not None
    assert (found.news.ref, found.news.state) == ("shop.instance-1", state)


@pytest.mark.parametrize("members", [{"condition": "Running"}, {"condition": "Unreachable"}, {"healthy": True}, {}])
def test_whatever_else_an_instance_does_is_a_hint_alone(members: dict[str, Any]) -> None:
    found = event("instance_changed_event", runSpecId="/shop", instanceId="shop.instance-1", **members)
    assert found is not None
    assert found.news is None


@needs_shared
@pytest.mark.parametrize("size", ["light", "full"])
@pytest.mark.parametrize("name", ["deployment_success", "deployment_failed"])
def test_the_end_of_a_deployment_is_a_hint_to_read_all_of_its_apps(name: str, size: str) -> None:
    text = (SHARED / "marathon" / "events-exact" / f"{name}.{size}.json").read_text()
    assert read_event(name, text, 5.0) == Event(name, ("/nginx2",))
