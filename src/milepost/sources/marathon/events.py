"""From an event of Marathon's stream to what it tells us: which apps to look at, and news of a task. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from milepost.sources.marathon.overlay import ENDING_STATES, News
from milepost.sources.marathon.translate import absolute_id
from milepost.sources.marathon.wire import Port

EVENT_TYPES = (
    "api_post_event",
    "app_terminated_event",
    "deployment_failed",
    "deployment_info",  # the only word of a change of several apps or a group; names no task (marathon-api.md 11.6)
    "deployment_success",
    "failed_health_check_event",
    "health_status_changed_event",
    "status_update_event",
    "unhealthy_instance_kill_event",
    "unhealthy_task_kill_event",  # up to 1.3
)
"""What milepost asks Marathon for. `instance_*` events say the same as these once more."""

POD_EVENT_TYPES = (
    "instance_changed_event",
    "instance_health_changed_event",
    "pod_created_event",
    "pod_deleted_event",
    "pod_updated_event",
)
"""What it asks for besides, where it reads pods. Of those `instance_*` speak of apps too, and are then passed over."""

_OF_OWNERS = frozenset({"api_post_event", "app_terminated_event", "deployment_info"})
_OF_PODS = frozenset(POD_EVENT_TYPES)
_POD = re.compile(r"/v2/pods/(?P<id>[^:?]+)")
_LAUNCHED = ("TASK_STAGING", "TASK_STARTING", "TASK_RUNNING")


@dataclass(frozen=True, slots=True)
class Event:
    """`reason` names the event. `news` is about a task of the one app in `app_ids`. `is_owners`: see `Cause`.

    `says_again`: of an app other events say the same, so that it is of use for a pod only.
    """

    reason: str
    app_ids: tuple[str, ...]
    news: News | None = None
    is_owners: bool = False
    says_again: bool = False

    @property
    def ended(self) -> str:
        """The task or instance that is being killed or has ended by it, "" for none."""
        return self.news.ref if self.news and self.news.state in ENDING_STATES else ""


class _Definition(msgspec.Struct, frozen=True):
    id: str


class _Action(msgspec.Struct, frozen=True):
    app: str | None = None
    pod: str | None = None


class _Step(msgspec.Struct, frozen=True):
    actions: tuple[_Action, ...] = ()


class _Plan(msgspec.Struct, frozen=True):
    steps: tuple[_Step, ...] = ()


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    event_type: str | None = None
    app_id: str | None = None
    task_id: str | None = None
    instance_id: str | None = None
    task_status: str | None = None
    alive: bool | None = None
    host: str | None = None
    ports: tuple[Port, ...] | None = None
    timestamp: Any = None
    app_definition: _Definition | None = None
    current_step: _Step | None = None
    plan: _Plan | None = None
    run_spec_id: str | None = None
    condition: str | None = None
    healthy: bool | None = None
    uri: str | None = None


_decoder = msgspec.json.Decoder(_Event)


def read_event(name: str, data: str, heard_s: float) -> Event | None:
    """The event of type `name`; None if it is of a type that milepost did not ask for.

    Raises ValueError (of which msgspec's errors are) if it cannot be read or names no app.
    """
    if name not in EVENT_TYPES and name not in _OF_PODS:
        return None
    event = _decoder.decode(data)
    if name in _OF_PODS:
        return _of_pod(name, event, heard_s)
    reason = f"{name} {event.task_status}" if event.task_status else name
    if name == "deployment_info":
        return Event(reason, _acted_on([event.current_step] if event.current_step else []), is_owners=True)
    if name in ("deployment_success", "deployment_failed"):
        return Event(reason, _acted_on(event.plan.steps if event.plan else ()))
    app_id = event.app_id or (event.app_definition and event.app_definition.id)
    if not app_id:
        raise ValueError(f"a {name} without app")
    return Event(reason, (absolute_id(app_id),), _news(name, event, reason, heard_s), name in _OF_OWNERS)


def _acted_on(steps: Iterable[_Step]) -> tuple[str, ...]:
    """The apps and pods of the steps, each once."""
    named = (action.app or action.pod for step in steps for action in step.actions)
    return tuple(dict.fromkeys(absolute_id(app_id) for app_id in named if app_id))


def _of_pod(name: str, event: _Event, heard_s: float) -> Event | None:
    """None where it names no pod, as what is asked of all of them at once."""
    found = _POD.match(event.uri or "")
    pod_id = event.run_spec_id or (found and found["id"])
    if not pod_id:
        return None
    is_owners = name.startswith("pod_")
    reason = f"{name} {event.condition}" if event.condition else name
    state = f"TASK_{(event.condition or '').upper()}"
    has_ended = state in ENDING_STATES
    is_bad = has_ended or event.healthy is False
    news = (
        News(event.instance_id, state if has_ended else "", reason, heard_s) if is_bad and event.instance_id else None
    )
    return Event(reason, (absolute_id(pod_id),), news, is_owners, says_again=not is_owners)


def _news(name: str, event: _Event, reason: str, heard_s: float) -> News | None:
    """What the event says against a task, by the best id that it has, or where a new one is."""
    ref = event.task_id or event.instance_id
    if not ref:
        return None
    match name:
        case "status_update_event" if event.task_status in ENDING_STATES:
            return News(ref, event.task_status or "", reason, heard_s)
        case "status_update_event" if event.task_status in _LAUNCHED and event.host and event.ports:
            sent_at = event.timestamp if isinstance(event.timestamp, str) else ""  # one of old is sent again at times
            return News(ref, event.task_status or "", reason, heard_s, event.host, event.ports, sent_at)
        case "unhealthy_instance_kill_event" | "unhealthy_task_kill_event":
            return News(ref, "TASK_KILLING", reason, heard_s)
        case "failed_health_check_event":
            return News(ref, "", reason, heard_s)
        case "health_status_changed_event" if event.alive is False:
            return News(ref, "", reason, heard_s)
    return None
