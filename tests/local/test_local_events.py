"""Events carry exactly the members that Marathon's do (marathon-api 11.6)."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from milepost.local.hub import frame
from milepost.local.journal import note
from milepost.local.scheduler import events
from milepost.local.scheduler.cluster import RUNNING, STAGING
from milepost.local.scheduler.effects import EmitEvent, TaskStarted
from support.eventful import eventful_life
from support.local_world import CHECKED, World, definition
from support.shared import SHARED, needs_shared

SAMPLES = [
    "add_health_check_event",
    "api_post_event",
    "app_terminated_event",
    "deployment_failed.light",
    "deployment_failed.full",
    "deployment_info.light",
    "deployment_info.full",
    "deployment_step_success.light",
    "deployment_step_success.full",
    "deployment_success.light",
    "deployment_success.full",
    "failed_health_check_event.new",
    "group_change_failed",
    "group_change_success",
    "health_status_changed_event",
    "instance_changed_event",
    "instance_health_changed_event",
    "remove_health_check_event",
    "status_update_event.failed",
    "status_update_event.killed",
    "status_update_event.running",
    "status_update_event.staging",
    "unhealthy_instance_kill_event",
]


def shape(value: Any) -> Any:
    """Names of members, and types of values; the app's own content does not matter."""
    if isinstance(value, dict):
        opaque = {"appDefinition", "healthCheck", "apps"}
        return {key: "..." if key in opaque else shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def told(world: World, name: str) -> EmitEvent:
    """The event that the sample `name` is one of."""
    kind, _, variant = name.partition(".")
    wanted = {"failed": "TASK_FAILED", "killed": "TASK_KILLED", "running": RUNNING, "staging": STAGING}.get(variant)
    return next(e for e in world.events if e.type == kind and (not wanted or e.body["taskStatus"] == wanted))


@needs_shared
@pytest.mark.parametrize("name", SAMPLES)
def test_an_event_has_the_members_of_the_sample(name: str) -> None:
    world = eventful_life()
    app = definition(CHECKED)
    world.events.append(events.api_post(app, "127.0.0.1", "/v2/apps", world.now_s))
    kind, data, *rest = frame(told(world, name), light=name.endswith("light")).split(b"\r\n")
    assert rest == [b"", b""]
    sample = json.loads((SHARED / f"marathon/events-exact/{name}.json").read_text())
    ours = json.loads(data.removeprefix(b"data: "))
    assert kind == b"event: " + sample["eventType"].encode()
    ours_shape, sample_shape = shape(ours), shape(sample)
    for listed in ("ipAddresses", "ports"):
        ours_shape.pop(listed, None), sample_shape.pop(listed, None)
    assert ours_shape == sample_shape


def test_a_frame_is_exactly_these_bytes() -> None:
    event = EmitEvent("app_terminated_event", {"appId": "/web", "eventType": "app_terminated_event"})
    expected = b'event: app_terminated_event\r\ndata: {"appId":"/web","eventType":"app_terminated_event"}\r\n\r\n'
    assert frame(event, light=True) == expected


def test_what_runs_a_task_is_told_in_its_status_and_in_the_log() -> None:
    world = World()
    world.put(CHECKED)
    world.tell(TaskStarted(world.instances()[0].task_id, "image nginx:1.10 is run by the local catalogue"))
    running = told(world, "status_update_event.running")
    assert running.body["message"] == "image nginx:1.10 is run by the local catalogue"
    with capture_logs() as lines:
        note(running)
    assert lines[0]["event"] == "task_status"
    assert (lines[0]["status"], lines[0]["message"]) == ("TASK_RUNNING", running.body["message"])
