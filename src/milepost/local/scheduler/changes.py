"""What is asked for from outside: changes of definitions, and kills. Each answers at once; deployments do the rest."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from msgspec import UNSET, structs

from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import Definition, VersionInfo, is_same
from milepost.local.apps.refusal import LOCK_TEXT, invalid, locked
from milepost.local.apps.validation import MAX_INSTANCES
from milepost.local.scheduler import events, ports
from milepost.local.scheduler.backoff import Backoff
from milepost.local.scheduler.cluster import KILLING, Cluster, Deployment, Instance, Record
from milepost.local.scheduler.dependencies import dependency_levels
from milepost.local.scheduler.deployments import (
    Changes,
    advance,
    cancel,
    conflicting,
    let_go,
    plan_steps,
    refused,
    start,
)
from milepost.local.scheduler.effects import SaveChange, SaveSetback
from milepost.local.scheduler.lifecycle import kill
from milepost.local.scheduler.saved import Setback
from milepost.local.scheduler.steps import Step
from milepost.local.scheduler.timestamp import version_after
from milepost.local.scheduler.tree import NO_GROUPS, GroupChanges, Tree, Trees, changes_of_groups, regrouped
from milepost.local.scheduler.turn import Turn


@dataclass(frozen=True, slots=True)
class Accepted:
    """A change that was taken: its version, and the deployment that carries it out."""

    version: str
    deployment_id: str


@dataclass(frozen=True, slots=True)
class Planned:
    """The apps that change, what they are now, and the steps."""

    changed: Changes
    before: Changes
    steps: tuple[Step, ...]


def deploy(
    turn: Turn,
    wanted: Changes,
    *,
    force: bool,
    restarts: Collection[str] = (),
    group: str = "/",
    victims: Sequence[Instance] = (),
    groups: GroupChanges = NO_GROUPS,
    instead_of: Deployment | None = None,
) -> Accepted:
    """Make `wanted` the definitions of these apps (None deletes one) and start what leads there; `groups` likewise.

    `restarts` names apps whose tasks are replaced though nothing changed; `victims` are killed first;
    `instead_of` is cancelled, whatever it holds. Raises Refused: 409 while a deployment holds an app of the plan
    (unless `force`, which cancels it), 422 for a clash.
    """
    cluster = turn.cluster
    plan = planned(cluster, wanted, restarts, groups)
    cancelled = _unlock(turn, plan, groups, group, force=force, instead_of=instead_of)
    groups_before = {group_id: cluster.groups.get(group_id) for group_id in groups}
    trees = _redefine(turn, plan.changed, restarts, groups)
    version = trees.target.version
    deployment = Deployment(cluster.chance.new_id(), version, plan.steps, plan.before, groups_before, trees)
    turn.want(events.event("group_change_success", turn.now_s, groupId=group, version=version))
    for victim in victims:
        kill(turn, cluster.homes[victim.id], victim, leaving=True)
    start(turn, deployment)
    for each in cancelled:
        let_go(turn, each)
    return Accepted(version, deployment.id)


def stop(turn: Turn, deployment: Deployment) -> None:
    """End a deployment where it is: the definitions stay, and what it had not begun is done without it."""
    cancel(turn, deployment)
    let_go(turn, deployment)


def planned(
    cluster: Cluster, wanted: Changes, restarts: Collection[str] = (), groups: GroupChanges = NO_GROUPS
) -> Planned:
    """What `wanted` comes to, without doing any of it. Raises Refused (422) for a cycle or a clash of ids."""
    before = {app_id: _definition(cluster, app_id) for app_id in wanted}
    changed = {
        app_id: app for app_id, app in wanted.items() if app_id in restarts or not _is_unchanged(before[app_id], app)
    }
    after_groups = {**cluster.groups, **groups} if groups else cluster.groups
    apps = {**cluster.definitions(), **wanted}
    regrouped = [app_id for app_id in apps if not groups.keys().isdisjoint(ids.ancestors(app_id))] if groups else []
    levels = dependency_levels(apps, (*changed, *regrouped), after_groups)
    _refuse_clashes(cluster, changed, groups, after_groups)
    _refuse_too_many(app for app in apps.values() if app)
    _refuse_lack_of_ports(cluster, changed)
    after = {app_id: _placed(before[app_id], app) for app_id, app in changed.items()}
    steps = plan_steps(before, after, restarts, levels)
    return Planned(changed, {app_id: before[app_id] for app_id in changed}, steps)


def restart(turn: Turn, record: Record, *, force: bool) -> Accepted:
    """Replace all tasks of an app, one after the other."""
    return deploy(turn, {record.id: record.definition}, force=force, restarts={record.id}, group=ids.parent(record.id))


def undo(turn: Turn, deployment: Deployment) -> Accepted:
    """Start a deployment that brings back what this one changed."""
    return deploy(turn, deployment.before, force=True, groups=deployment.groups_before, instead_of=deployment)


def kill_tasks(turn: Turn, instances: Sequence[Instance], *, wipe: bool = False) -> None:
    """Kill these instances' tasks; replacements follow."""
    for instance in instances:
        kill(turn, turn.cluster.homes[instance.id], instance, leaving=wipe)
    for record in _records(turn.cluster, instances):
        advance(turn, record)


def kill_and_scale(turn: Turn, instances: Sequence[Instance], *, force: bool) -> Accepted:
    """Kill these and want as many fewer."""
    victims = [each for each in instances if each.is_active and each.state != KILLING]
    wanted: dict[str, Definition | None] = {}
    for victim in victims:
        app_id = victim.definition.id
        app = wanted.get(app_id) or _definition(turn.cluster, app_id)
        if app:
            wanted[app_id] = structs.replace(app, instances=max(0, app.instances - 1))
    return deploy(turn, wanted, force=force, victims=victims)


def reset_delay(turn: Turn, record: Record) -> bool:
    """Forget the app's failures, so that what waits is launched now. False if nothing waits."""
    if not any(each.waits for each in record.instances.values()):
        return False
    record.backoff = Backoff()
    turn.want(SaveSetback(record.id, Setback(record.last_failure, record.backoff)))
    advance(turn, record)
    return True


def _definition(cluster: Cluster, app_id: str) -> Definition | None:
    record = cluster.app(app_id)
    return record.definition if record else None


def _records(cluster: Cluster, instances: Iterable[Instance]) -> list[Record]:
    app_ids = {instance.definition.id: None for instance in instances}
    return [cluster.records[app_id] for app_id in app_ids]


def _is_unchanged(before: Definition | None, after: Definition | None) -> bool:
    if before is None or after is None:
        return before is after
    return is_same(before, ports.with_assigned(after, before.service_ports, ()))


def _placed(before: Definition | None, after: Definition | None) -> Definition | None:
    """Zeros of service ports in `after` stand for what the app holds already."""
    return after and ports.with_assigned(after, before.service_ports, ()) if before else after


def _refuse_clashes(cluster: Cluster, changed: Changes, groups: GroupChanges, after_groups: GroupChanges) -> None:
    """An app and a group cannot share an id. Only what is new can clash: what is there does not, and may be much."""
    new = {app_id for app_id, app in changed.items() if app and not cluster.app(app_id)}
    taken = {group_id for group_id, dependencies in groups.items() if dependencies is not None}
    taken.update(group_id for name in (*new, *taken) for group_id in ids.ancestors(name))
    names = {name for name in taken if changed.get(name) or (name not in changed and cluster.app(name))}
    if names or any(after_groups.get(app_id) is not None for app_id in new):
        raise invalid([("/", "Groups and Applications may not have the same identifier.")])


def _refuse_too_many(apps: Iterable[Definition]) -> None:
    total = sum(app.instances for app in apps)
    if total > MAX_INSTANCES:
        raise invalid([("/", f"got {total} instances of all apps together, expected {MAX_INSTANCES} or less")])


def _refuse_lack_of_ports(cluster: Cluster, changed: Changes) -> None:
    """Assign service ports as `_redefine` will, on a copy: halfway through it is too late to find none left."""
    asked = sum(len(app.service_ports) for app in changed.values() if app)
    if len(cluster.service_ports) + asked <= len(ports.SERVICE_PORTS):
        return
    taken = cluster.service_ports.copy()
    for app_id, app in changed.items():
        before = _definition(cluster, app_id)
        held = before.service_ports if before else ()
        ports.give_back(taken, held)
        taken.update(ports.with_assigned(app, held, taken).service_ports if app else ())


def _unlock(
    turn: Turn, plan: Planned, groups: GroupChanges, group: str, *, force: bool, instead_of: Deployment | None
) -> list[Deployment]:
    """Cancel the deployments that are in the way, and return them."""
    holders = conflicting(turn.cluster, plan.changed)
    if holders and not force:
        version = version_after(turn.cluster.version, turn.now_s)
        kind = "group_change_failed"
        turn.want(events.event(kind, turn.now_s, groupId=group, version=version, reason=LOCK_TEXT))
        refused(turn, _unborn(turn.cluster, plan, groups, version))
        raise locked(each.id for each in holders)
    if instead_of and instead_of not in holders:
        holders.append(instead_of)
    for holder in holders:
        cancel(turn, holder)
    return holders


def _unborn(cluster: Cluster, plan: Planned, groups: GroupChanges, version: str) -> Deployment:
    """The deployment that `plan` would have been."""
    tree = cluster.tree()
    apps = {app_id: app for app_id, app in {**tree.apps, **plan.changed}.items() if app}
    trees = Trees(tree, Tree(version, apps, regrouped(tree.groups, groups, apps, apps)))
    return Deployment(cluster.chance.new_id(), version, plan.steps, plan.before, NO_GROUPS, trees)


def _redefine(turn: Turn, changed: Changes, restarts: Collection[str], groups: GroupChanges) -> Trees:
    """Store the new definitions under one new version; the trees before and after."""
    cluster = turn.cluster
    original = cluster.tree()
    version = version_after(cluster.version, turn.now_s)
    for app_id, app in changed.items():
        record = cluster.records.setdefault(app_id, Record(app_id))
        before = record.definition
        held = before.service_ports if before else ()
        ports.give_back(cluster.service_ports, held)
        new = app and _versioned(app, before, version, restart=app_id in restarts)
        new = new and ports.with_assigned(new, held, cluster.service_ports)
        cluster.service_ports.update(new.service_ports if new else ())
        record.define(new)
    cluster.version = version
    cluster.regroup(groups, [app_id for app_id, app in changed.items() if app])
    apps = {app_id: cluster.records[app_id].definition for app_id in changed}
    turn.want(SaveChange(version, apps, changes_of_groups(original.groups, cluster.groups)))
    return Trees(original, cluster.keep_tree())


def _versioned(app: Definition, before: Definition | None, version: str, *, restart: bool) -> Definition:
    """`app` as the given version; what it says of its last scaling and config change as in marathon-api 4.5."""
    info = before.version_info if before else UNSET
    if before is None or not info:
        info = VersionInfo(version, version)
    elif restart:
        info = VersionInfo(info.last_scaling_at, version)
    else:
        placed = ports.with_assigned(app, before.service_ports, ())
        scales = is_same(before, placed, but_instances=True)
        info = VersionInfo(version, info.last_config_change_at if scales else version)
    return structs.replace(app, version=version, version_info=info)
