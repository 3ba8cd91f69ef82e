"""Deployments: a plan's steps, one after the other (marathon-api 10.1 to 10.5)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from milepost.local.apps.definition import Definition, is_same
from milepost.local.apps.refusal import LOCK_TEXT
from milepost.local.scheduler import events
from milepost.local.scheduler.cluster import Cluster, Deployment, Record
from milepost.local.scheduler.effects import ForgetDeployment, SaveDeployment
from milepost.local.scheduler.lifecycle import drop_waiting, wake
from milepost.local.scheduler.rollout import begin, is_done
from milepost.local.scheduler.saved import SavedDeployment
from milepost.local.scheduler.settle import census, settle
from milepost.local.scheduler.steps import Action, Step
from milepost.local.scheduler.turn import Turn

Changes = Mapping[str, Definition | None]
START, STOP, SCALE, RESTART = "StartApplication", "StopApplication", "ScaleApplication", "RestartApplication"


def plan_steps(
    before: Changes, after: Changes, restarts: Collection[str], levels: Mapping[str, int]
) -> tuple[Step, ...]:
    """First what goes, then what is new (nothing to do yet), then each level of dependencies in turn."""
    stops = tuple(Action(STOP, app_id) for app_id, app in after.items() if app is None)
    starts = tuple(Action(START, app_id) for app_id, app in after.items() if app and before[app_id] is None)
    by_level: dict[int, list[Action]] = {}
    for app_id, app in after.items():
        if app:
            action = Action(_kind(before[app_id], app, restart=app_id in restarts), app_id)
            by_level.setdefault(levels[app_id], []).append(action)
    steps = (stops, starts, *(tuple(by_level[level]) for level in sorted(by_level)))
    return tuple(step for step in steps if step)


def start(turn: Turn, deployment: Deployment) -> None:
    """Lock the apps and begin the first step, or the next one of a deployment from before a restart."""
    turn.cluster.deployments[deployment.id] = deployment
    turn.cluster.locks.update(dict.fromkeys(deployment.app_ids, deployment.id))
    _next_step(turn, deployment)


def advance(turn: Turn, record: Record) -> None:
    """Settle the record; then, if its deployment's step is done, go on with that deployment."""
    settle(turn, record)
    deployment = turn.cluster.deployment_of(record.id)
    if deployment:
        _tick_off(turn, deployment, record)
        if deployment.current and not deployment.undone:
            _end_step(turn, deployment)
            _next_step(turn, deployment)
    elif record.definition is None and not record.instances:
        turn.cluster.records.pop(record.id, None)


def cancel(turn: Turn, deployment: Deployment) -> None:
    """End it where it is: what it started stays, and so do the definitions. Then either another deployment takes
    its apps over, which go on as they are until their step comes, or they are `let_go`."""
    _forget(turn, deployment)
    for app_id in deployment.app_ids:
        record = turn.cluster.records.get(app_id)
        if record:
            record.rollout = None
    reason = "The upgrade has been cancelled"
    turn.want(events.deployment_event("deployment_failed", deployment, turn.now_s, id=deployment.id, reason=reason))


def let_go(turn: Turn, deployment: Deployment) -> None:
    """What an ended deployment has not begun is done without it, as for any app that has not what it asks for."""
    for app_id in deployment.app_ids:
        record = turn.cluster.records.get(app_id)
        if record and app_id not in turn.cluster.locks:
            record.goal = record.definition
            wake(turn, record, turn.now_s)


def refused(turn: Turn, deployment: Deployment) -> None:
    """Tell of a deployment that was not even begun, as others hold its apps (marathon-api 7.3)."""
    turn.want(events.deployment_event("deployment_failed", deployment, turn.now_s, id=deployment.id, reason=LOCK_TEXT))


def _kind(before: Definition | None, after: Definition, *, restart: bool) -> str:
    if before is None or after.instances == 0:
        return SCALE
    return SCALE if is_same(before, after, but_instances=True) and not restart else RESTART


def _next_step(turn: Turn, deployment: Deployment) -> None:
    """Begin steps until one is not done at once, or none is left."""
    while deployment.current < len(deployment.steps):
        deployment.current += 1
        deployment.step_began_s = turn.now_s
        deployment.undone = {action.app_id for action in deployment.step if action.kind != START}
        turn.want(events.deployment_event("deployment_info", deployment, turn.now_s))
        for action in deployment.step:
            record = turn.cluster.records[action.app_id]
            _begin(turn, record, action.kind)
            _tick_off(turn, deployment, record)
        if deployment.undone:
            turn.want(SaveDeployment(_saved(deployment)))
            return
        _end_step(turn, deployment)
    _forget(turn, deployment)
    turn.want(events.deployment_event("deployment_success", deployment, turn.now_s, id=deployment.id))


def _saved(deployment: Deployment) -> SavedDeployment:
    original, groups = deployment.trees.original.version, tuple(deployment.groups_before)
    return SavedDeployment(deployment.id, deployment.version, original, deployment.steps, groups, deployment.current)


def _begin(turn: Turn, record: Record, kind: str) -> None:
    if kind == START:
        return
    _announce_checks(turn, record, record.definition)
    record.goal, record.rollout = record.definition, None
    if kind == RESTART and record.goal:
        drop_waiting(turn, record, record.goal.config_version)
        old = [each for each in record.staying if each.definition.config_version != record.goal.config_version]
        good = sum(each.is_good for each in old)
        record.rollout = begin(record.goal.instances, record.goal.upgrade_strategy, len(old), good)
    settle(turn, record)


def _announce_checks(turn: Turn, record: Record, new: Definition | None) -> None:
    """Tell which checks end and which begin with this version of the app."""
    old = record.goal
    if old and new and old.config_version == new.config_version:
        return
    for _ in old.checks if old else ():
        turn.want(events.event("remove_health_check_event", turn.now_s, appId=record.id))
    if new:
        turn.want(*(events.health_check_added(new, check, turn.now_s) for check in new.checks))


def _tick_off(turn: Turn, deployment: Deployment, record: Record) -> None:
    """Note that the app's action is done, if it is."""
    if record.id not in deployment.undone or not _is_done(deployment, record):
        return
    deployment.undone.discard(record.id)
    record.rollout = None
    if record.goal is None:
        turn.want(events.event("app_terminated_event", turn.now_s, appId=record.id))


def _is_done(deployment: Deployment, record: Record) -> bool:
    if record.goal is None:
        return not record.instances
    if record.rollout:
        return is_done(record.rollout, census(record, record.goal))
    if any(each.leaving for each in record.instances.values()):
        return False
    staying = record.staying
    # an instance from before the step is none of its business (marathon-api 10.3)
    awaited = [each for each in staying if each.waits or each.staged_at_s >= deployment.step_began_s]
    return len(staying) == record.goal.instances and all(each.is_good for each in awaited)


def _end_step(turn: Turn, deployment: Deployment) -> None:
    turn.want(events.deployment_event("deployment_step_success", deployment, turn.now_s))


def _forget(turn: Turn, deployment: Deployment) -> None:
    """Drop the deployment, its locks, what it heard of readiness, and the records of apps that are gone for good."""
    cluster = turn.cluster
    cluster.deployments.pop(deployment.id, None)
    turn.want(ForgetDeployment(deployment.id))
    for app_id in deployment.app_ids:
        cluster.locks.pop(app_id, None)
        record = cluster.records.get(app_id)
        if record is None:
            continue
        for each in [each for each in record.instances.values() if each.readiness]:
            record.instances[each.id] = replace(each, readiness=None)
        if record.definition is None and not record.instances:
            del cluster.records[app_id]


def conflicting(cluster: Cluster, app_ids: Iterable[str]) -> list[Deployment]:
    """The deployments that hold any of these apps."""
    held = {cluster.locks[app_id] for app_id in app_ids if app_id in cluster.locks}
    return [cluster.deployments[each] for each in sorted(held)]
