"""What must hold of the local scheduler, whatever it is asked and in whatever order."""

import json
from collections import Counter
from typing import Any
from urllib.parse import unquote

from milepost.local.scheduler.cluster import Cluster, Record
from milepost.local.scheduler.effects import KillTask, LaunchDue, LaunchTask, Probed, ProbeHealth, WakeAt
from milepost.local.scheduler.faults import start_node
from milepost.local.scheduler.nodes import Resources, needed
from milepost.local.scheduler.render import queue
from support.local_world import World
from support.still_api import Answer, StillApi, frames, frozen

READ_ONLY = (
    "tasks", "tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy", "deployments", "lastTaskFailure",
    "readinessCheckResults", "version", "versionInfo",
)  # fmt: skip
AS_IT_CAME = frozenset(
    {"instances", "cpus", "mem", "disk", "gpus", "cmd", "user", "backoffSeconds", "backoffFactor", "executor",
     "maxLaunchDelaySeconds", "taskKillGracePeriodSeconds", "killSelection"}
)  # fmt: skip
REST_CYCLES = 80


def asked(
    api: StillApi, method: str, target: str, body: object = None, headers: dict[str, str] | None = None
) -> Answer:
    """The answer, once it keeps the rules: an error tells what is wrong and has changed nothing, nor does a look."""
    world = api.world
    before, effects = frozen(world.cluster), len(world.effects)
    events = len(world.events)
    answer = api.ask(method, target, body, headers)
    assert answer.status < 500, (answer.status, answer.body)
    if answer.status >= 400:
        _tells_what_is_wrong(answer, target)
    if answer.status >= 400 or method in ("GET", "HEAD"):
        assert frozen(world.cluster) == before, (
            f"{method} {target} was answered with {answer.status}, but it changed something"
        )
        told = [event.type for event in world.events[events:]]
        assert told in ([], ["group_change_failed", "deployment_failed"] if answer.status == 409 else [])
        assert len(world.effects) - effects == len(told)
    elif answer.body and answer.headers["content-type"].startswith("application/json"):
        assert answer.json is not None
    if method in ("POST", "PUT", "PATCH") and answer.status < 300:
        _shows_what_was_sent(world.cluster, answer, target, body)
    for event in world.events[events:]:
        frames(event)
    holds_together(world.cluster)
    return answer


def _shows_what_was_sent(cluster: Cluster, answer: Answer, target: str, body: object) -> None:
    """A value that is taken is kept as it came: nothing is read as something of another type."""
    path = target.partition("?")[0]
    sent = json.loads(body) if isinstance(body, bytes) and body.strip() else body
    name = answer.headers.get("location") or unquote(path.removeprefix("/v2/apps"))
    record = cluster.app(name) if path.startswith("/v2/apps") else None
    if record is None or not isinstance(sent, dict) or "version" in sent:
        return
    for member in AS_IT_CAME & sent.keys():
        value, shown = sent[member], record.document.get(member)
        if value or (value == 0 and not isinstance(value, bool)):
            assert shown == value, (member, value, shown)
            assert isinstance(shown, str) is isinstance(value, str), (member, value, shown)
            assert isinstance(shown, bool) is isinstance(value, bool), (member, value, shown)


def _tells_what_is_wrong(answer: Answer, target: str) -> None:
    if answer.status == 405 and target.startswith("/v2/events"):
        return  # Marathon shows a page
    body = answer.json
    assert isinstance(body["message"], str), body
    assert body["message"]
    details = body.get("details", "")
    if answer.status == 422 and "details" in body:
        for each in details:
            assert set(each) == {"path", "errors"}, body
            assert each["path"].startswith("/"), body
            assert each["errors"], body
            assert all(isinstance(text, str) and text for text in each["errors"]), body
    else:
        assert isinstance(details, str), body


def holds_together(cluster: Cluster) -> None:
    """The books agree with each other."""
    active = [each for record in cluster.records.values() for each in record.instances.values() if each.is_active]
    known = set(cluster.used_ports) | {each.node for each in active}
    for node in known:
        here = [each for each in active if each.node == node]
        ports = [port for each in here for port in set(each.ports)]
        assert len(set(ports)) == len(ports), f"a port of {node} is given twice: {ports}"
        assert cluster.used_ports.get(node, set()) == set(ports)
        assert cluster.tasks_on[node] == len(here)
        taken = Resources()
        for each in here:
            taken += needed(each.definition)
        assert cluster.used.get(node, Resources()) == taken
    homes = {name: record.id for record in cluster.records.values() for name in record.instances}
    assert homes == {name: record.id for name, record in cluster.homes.items()}
    assert set(cluster.locks.values()) <= set(cluster.deployments)
    asked = Counter(port for record in cluster.apps() if record.definition for port in record.definition.service_ports)
    assert dict(cluster.service_ports) == dict(asked)
    for record in cluster.records.values():
        _is_sound(cluster, record)


def _is_sound(cluster: Cluster, record: Record) -> None:
    if record.definition is None:
        assert record.instances or record.id in cluster.locks, f"{record.id} is gone, but remembered"
        return
    assert record.definition.instances >= 0
    assert all(group in cluster.groups for group in _ancestors(record.id))
    assert record.id not in cluster.groups


def _ancestors(app_id: str) -> list[str]:
    parts = app_id.split("/")[1:-1]
    return ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]


def can_be_put_back(api: StillApi) -> None:
    """What the API shows of an app it also takes, and it changes nothing."""
    for record in list(api.world.cluster.apps()):
        definition, instances = record.definition, dict(record.instances)
        shown = asked(api, "GET", f"/v2/apps{record.id}").json["app"]
        body = {key: value for key, value in shown.items() if key not in READ_ONLY}
        for partial in ("true", "false"):
            answer = asked(api, "PUT", f"/v2/apps{record.id}?partialUpdate={partial}", body)
            assert answer.status == 200, (body, answer.body)
            assert record.definition is definition or record.definition == definition, (partial, body, record.document)
            assert record.instances == instances


def comes_to_rest(api: StillApi) -> None:
    """With all nodes there and nothing failing, all that was asked for comes true, or waits for a place."""
    world = api.world
    for node in world.cluster.nodes:
        world.command(start_node, node.address)
    quiet = 0
    for _ in range(REST_CYCLES):
        quiet = 0 if _cycle(world) else quiet + 1
        if quiet > 3:
            break
    else:
        raise AssertionError(f"no rest after {REST_CYCLES} cycles: {world.pending}")
    holds_together(world.cluster)
    _is_as_asked(world.cluster)
    for event in world.events:
        frames(event)
    world.events.clear()


def _cycle(world: World) -> bool:
    """Let all that is pending happen once; whether a task began or ended."""
    moved = False
    for effect in list(world.pending):
        moved = moved or isinstance(effect, LaunchTask | KillTask)
        happen(world, effect)
    return moved


def happen(world: World, effect: Any) -> None:
    """Let it happen, in this world's time."""
    if isinstance(effect, WakeAt):
        world.pending.remove(effect)
        world.now_s = max(world.now_s, effect.at_s)
        world.tell(LaunchDue(effect.app_id, effect.at_s))
    elif isinstance(effect, ProbeHealth):
        world.pending.remove(effect)
        world.now_s += max(0.001, effect.after_s)
        world.tell(Probed(effect.task_id, effect.index, world.failing.get(effect.task_id)))
    else:
        world.happen(effect)


def _is_as_asked(cluster: Cluster) -> None:
    waiting = {item["app"]["id"]: item["count"] for item in queue(cluster, 0.0)}
    for record in cluster.records.values():
        app = record.definition
        if app is None:  # it is remembered as long as the deployment that deletes it waits for something else
            assert not record.instances, f"{record.id} was deleted, but {list(record.instances)} stay"
            assert record.id in cluster.locks, f"{record.id} was deleted, but is remembered"
            continue
        if waiting.get(record.id):
            assert record.id in cluster.starved, f"{record.id} waits for nothing"
            continue
        if not cluster.deployments:
            good = [each for each in record.instances.values() if each.state == "TASK_RUNNING"]
            assert len(record.instances) == len(good) == app.instances, (record.id, app.instances, record.instances)
    for deployment in cluster.deployments.values():
        assert waiting, f"deployment {deployment.id} waits for nothing: {json.dumps(deployment.app_ids)}"
