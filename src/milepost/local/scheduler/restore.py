"""A restart: what was kept is there again, tasks that still run go on, and so do deployments."""

from collections.abc import Iterable

from milepost.local.scheduler.cluster import Cluster, Deployment, Record
from milepost.local.scheduler.deployments import RESTART, START, advance, start
from milepost.local.scheduler.effects import Survivor
from milepost.local.scheduler.lifecycle import take_over
from milepost.local.scheduler.saved import VERSIONS_KEPT, Saved, SavedDeployment
from milepost.local.scheduler.steps import Action
from milepost.local.scheduler.tree import NO_GROUPS, Tree, Trees
from milepost.local.scheduler.turn import Turn


def restore(turn: Turn, saved: Saved, survivors: Iterable[Survivor] = ()) -> None:
    """Bring back what was kept, and take over the tasks that still run.

    Deployments go on with the step they were at, under their ids. There is a new one for other apps with tasks of an
    older config; tasks of deleted apps end.
    """
    cluster = turn.cluster
    _bring_back(cluster, saved)
    deployments = [_deployment(saved, each) for each in saved.deployments]
    for deployment in deployments:
        _set_back(cluster, deployment)
    for task in survivors:
        app_id = task.definition.id
        take_over(turn, cluster.records.setdefault(app_id, Record(app_id)), task)
    for deployment in deployments:
        start(turn, deployment)
    _replace_old(turn)
    for record in list(cluster.records.values()):
        advance(turn, record)


def _bring_back(cluster: Cluster, saved: Saved) -> None:
    """Apps, groups, versions."""
    for app_id, versions in saved.apps.items():
        record = cluster.records[app_id] = Record(app_id)
        record.define(versions[0])
        record.versions, record.goal = versions, versions[0]
        cluster.service_ports.update(versions[0].service_ports)
        if setback := saved.setbacks.get(app_id):
            record.last_failure, record.backoff = setback.failure, setback.backoff
    versions_of_apps = (record.definition.version for record in cluster.apps() if record.definition)
    cluster.version = max((*versions_of_apps, *(tree.version for tree in saved.history)), default="")
    cluster.groups = dict(saved.groups)
    cluster.regroup(NO_GROUPS, cluster.records)
    cluster.history = saved.history[:VERSIONS_KEPT]
    if not cluster.history:
        cluster.keep_tree()


def _deployment(saved: Saved, kept: SavedDeployment) -> Deployment:
    """As it was before the step under way."""
    trees = {tree.version: tree for tree in saved.history}
    original = trees.get(kept.original, Tree(kept.original, {}, {}))
    target = trees.get(kept.version, original)
    app_ids = sorted({action.app_id for step in kept.steps for action in step})
    before = {app_id: original.apps.get(app_id) for app_id in app_ids}
    groups_before = {group_id: original.groups.get(group_id) for group_id in kept.groups}
    current = max(0, kept.current - 1)
    return Deployment(kept.id, kept.version, kept.steps, before, groups_before, Trees(original, target), current)


def _set_back(cluster: Cluster, deployment: Deployment) -> None:
    """What a step that was not done is about is not worked towards yet."""
    for step in deployment.steps[deployment.current :]:
        for action in step:
            record = cluster.records.setdefault(action.app_id, Record(action.app_id))
            if action.kind != START:
                record.goal = deployment.before[action.app_id]


def _replace_old(turn: Turn) -> None:
    """Go on with replacing tasks of older configs, where the deployment that was about it had been cancelled."""
    cluster = turn.cluster
    apps = cluster.definitions()
    old = [
        record.id
        for record in cluster.apps()
        if record.id not in cluster.locks
        and any(each.definition.config_version != apps[record.id].config_version for each in record.staying)
    ]
    if old:
        steps = (tuple(Action(RESTART, app_id) for app_id in old),)
        tree, before = cluster.tree(), {app_id: apps[app_id] for app_id in old}
        new_id = cluster.chance.new_id()
        start(turn, Deployment(new_id, cluster.version, steps, before, NO_GROUPS, Trees(tree, tree)))
