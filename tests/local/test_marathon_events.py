"""Each event has just the members that Marathon's have, by exact samples and by what is right of its documents."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from milepost.local.apps.refusal import Refused
from milepost.local.hub import frame
from milepost.local.scheduler import changes, events
from milepost.local.scheduler.effects import EmitEvent, Probed, TaskEnded
from support.local_world import World, definition
from support.shapes import lacking, types
from support.shared import ROOT, SHARED, needs_shared

pytestmark = needs_shared

EXACT = sorted((SHARED / "marathon/events-exact").glob("*.json"))
DOCUMENTED = sorted((SHARED / "marathon/events-docs").glob("*.json"))
NO_MESOS = "there is no Mesos to connect to, and the client library `marathon` fails at it"
NO_PODS = "there are no pods"
OLD = "of the callback API or of names that Marathon has given up (marathon-api 1, 11.6)"

# Events that are never told here, and why.
NEVER: Mapping[str, str] = {
    "scheduler_registered_event": NO_MESOS,
    "scheduler_reregistered_event": NO_MESOS,
    "scheduler_disconnected_event": NO_MESOS,
    "framework_message_event": NO_MESOS,
    "unknown_instance_terminated_event": "no task runs here that the scheduler does not know",
    "pod_created_event": NO_PODS,
    "pod_updated_event": NO_PODS,
    "pod_deleted_event": NO_PODS,
    "deployment_step_failure": "a deployment does not fail by itself (marathon-api 10.5)",
    "subscribe_event": OLD,
    "unsubscribe_event": OLD,
    "unhealthy_task_kill_event": OLD,
}
# What ours have and the samples have not.
MORE: Mapping[str, str] = {
    "ports": "the old member of an app that is shown beside the new ones (marathon-api 1.1)",
    "ipAddresses": "the address is not forgotten when a task fails",
}
# Where the documents' samples are out of date: places that no event has (README of the shared data; marathon-api 11.6).
OUT_OF_DATE: Mapping[str, frozenset[str]] = {
    "api_post_event": frozenset(  # written only where there is something in them, and this app has no cmd
        f"appDefinition.{name}" for name in ("args", "cmd", "constraints", "dependencies", "env", "fetch")
    ),
    "deployment_info": frozenset({"plan.steps[].action", "plan.steps[].app", "currentStep.actions[].type"}),
    "deployment_step_success": frozenset({"plan.steps[].action", "plan.steps[].app", "currentStep.actions[].type"}),
    "event_stream_attached": frozenset({"clientIp", "callbackUrl"}),
    "event_stream_detached": frozenset({"clientIp", "callbackUrl"}),
    "remove_health_check_event": frozenset({"healthCheck"}),
}
STATES = {"failed": "TASK_FAILED", "killed": "TASK_KILLED", "running": "TASK_RUNNING", "staging": "TASK_STAGING"}


def life() -> World:
    """A world in which the tutorial's app has met everything that can befall an app."""
    app = json.loads((ROOT / "examples/nginx2.json").read_text())
    app["healthChecks"] = [{"path": "/", "maxConsecutiveFailures": 1}]
    world = World()
    world.put(app)
    world.run()
    for _ in range(2):
        world.tell(Probed(world.instances("/nginx2")[0].task_id, 0, "503 Service Unavailable"))
    world.tell(TaskEnded(world.instances("/nginx2")[0].task_id, -15, "Command terminated with signal Terminated"))
    world.run()
    world.tell(TaskEnded(world.instances("/nginx2")[0].task_id, 1, "Command exited with status 1"))
    world.put({**app, "cpus": 0.1})
    with pytest.raises(Refused):
        world.put(app)
    world.put(app, force=True)
    world.run()
    posted = definition(app).with_service_ports((10000,))
    world.events.append(events.api_post(posted, "127.0.0.1", "/v2/apps", world.now_s))
    for kind in ("event_stream_attached", "event_stream_detached"):
        world.events.append(events.event(kind, world.now_s, remoteAddress="127.0.0.1"))
    world.command(changes.deploy, {"/nginx2": None}, force=True)
    world.run()
    return world


def body(event: EmitEvent, *, light: bool) -> Any:
    """What a client reads."""
    return json.loads(frame(event, light=light).split(b"\r\n")[1].removeprefix(b"data: "))


def all_told(kind: str, variant: str = "") -> list[Any]:
    found = [body(each, light=variant == "light") for each in life().events if each.type == kind]
    state = STATES.get(variant)
    return [each for each in found if state is None or each["taskStatus"] == state]


def name_of(path: Path) -> tuple[str, str]:
    """The type, and the variant of it that the sample shows."""
    kind, _, variant = path.stem.partition(".")
    return kind, variant


def words(place: str) -> list[str]:
    return place.replace("[]", "").split(".")


TOLD = [path for path in EXACT if path.stem.partition(".")[0] not in NEVER and not path.stem.endswith("v1.4")]


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.stem)
def test_an_event_has_just_the_members_of_the_sample(path: Path) -> None:
    sample = json.loads(path.read_text())
    told = all_told(*name_of(path))
    assert told
    assert any(lacking(sample, each) == set() for each in told)
    known = types(sample).keys()
    for each in told:  # the samples tell of a creation: before it there was no app to show
        places = {place.replace("plan.original.", "plan.target.") for place in types(each)}
        assert {place for place in places - known if MORE.keys().isdisjoint(words(place))} == set()


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: path.stem)
def test_an_event_has_what_is_still_right_of_the_documents_sample(path: Path) -> None:
    if path.stem in NEVER:
        assert all_told(path.stem) == []
        return
    sample = json.loads(path.read_text())
    wrong = OUT_OF_DATE.get(path.stem, frozenset())
    assert any(lacking(sample, each) == wrong for each in all_told(path.stem))


@pytest.mark.parametrize("kind", NEVER)
def test_some_types_are_never_told(kind: str) -> None:
    assert all_told(kind) == []


def test_every_type_that_is_told_has_a_sample() -> None:
    assert {each.type for each in life().events} == {name_of(path)[0] for path in TOLD}
