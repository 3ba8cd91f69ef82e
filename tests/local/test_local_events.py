"""Events on the wire, and what they tell in words (marathon-api 11.1)."""

from structlog.testing import capture_logs

from milepost.local.hub import frame
from milepost.local.journal import note
from milepost.local.scheduler.cluster import RUNNING, STAGING
from milepost.local.scheduler.effects import EmitEvent, TaskStarted
from support.local_world import CHECKED, World


def test_a_frame_is_exactly_these_bytes() -> None:
    event = EmitEvent("app_terminated_event", {"appId": "/web", "eventType": "app_terminated_event"})
    expected = b'event: app_terminated_event\r\ndata: {"appId":"/web","eventType":"app_terminated_event"}\r\n\r\n'
    assert frame(event, light=True) == expected


def test_what_runs_a_task_is_told_in_its_status_and_in_the_log() -> None:
    world = World()
    world.put(CHECKED)
    world.tell(TaskStarted(world.instances()[0].task_id, "image nginx:1.10 is run by the local catalogue"))
    running = next(each for each in world.events if each.body.get("taskStatus") == RUNNING)
    assert running.body["message"] == "image nginx:1.10 is run by the local catalogue"
    with capture_logs() as lines:
        note(running)
    assert lines[0]["event"] == "task_status"
    assert (lines[0]["status"], lines[0]["message"]) == ("TASK_RUNNING", running.body["message"])


def test_what_is_only_on_its_way_is_in_the_log_for_who_wants_every_detail() -> None:
    world = World()
    world.put(CHECKED)
    staging = next(each for each in world.events if each.body.get("taskStatus") == STAGING)
    with capture_logs() as lines:
        note(staging)
    assert [(line["status"], line["log_level"]) for line in lines] == [("TASK_STAGING", "debug")]
