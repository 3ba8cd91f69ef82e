"""The state as Marathon's API writes it (marathon-api 4.2, 6, 9.1). Pure."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import Any

from milepost.local.apps import app_id as ids
from milepost.local.scheduler.backoff import launch_at
from milepost.local.scheduler.cluster import KILLING, RUNNING, STAGING, Cluster, Deployment, Instance, Record
from milepost.local.scheduler.events import agent_id, plan
from milepost.local.scheduler.health import CheckResult
from milepost.local.scheduler.placement import Declined, summary
from milepost.local.scheduler.readiness import Readiness
from milepost.local.scheduler.timestamp import written
from milepost.local.scheduler.tree import Tree

Document = dict[str, Any]


def app(cluster: Cluster, record: Record, embeds: Set[str]) -> Document:
    """The app, and of its state what `embeds` names: "counts", "deployments", "tasks" and "failures" (both with
    deployments), "lastTaskFailure", "readiness" (marathon-api 6.1).
    """
    holder = cluster.locks.get(record.id)
    document: Document = {**record.document}
    if "counts" in embeds:
        document.update(_counts(record))
    if embeds & {"deployments", "tasks", "failures"}:
        document["deployments"] = [{"id": holder}] if holder else []
    if embeds & {"tasks", "failures"}:
        document["tasks"] = tasks(record)
    if embeds & {"lastTaskFailure", "failures"}:
        document.update(_last_failure(record))
    if "readiness" in embeds:
        document["readinessCheckResults"] = _readiness(record)
    return document


def _readiness(record: Record | None) -> list[Document]:
    """What the deployment under way has heard of the app's tasks so far (marathon-api 5.6)."""
    found = record.instances.values() if record else ()
    return [_ready(each) for each in found if each.state == RUNNING and each.readiness and each.readiness.answer]


def _ready(instance: Instance) -> Document:
    check, readiness = instance.definition.readiness_check, instance.readiness or Readiness()
    document: Document = {
        "name": check.name if check else "",
        "taskId": instance.task_id,
        "ready": readiness.ready,
    }
    answer = readiness.answer
    if answer and check and check.preserve_last_response:
        document["lastResponse"] = {
            "status": answer.status,
            "contentType": answer.content_type,
            "body": answer.body,
        }
    return document


def _counts(record: Record) -> Document:
    names = ("tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy")
    return dict(zip(names, counts(record.instances.values()), strict=True))


def counts(found: Collection[Instance]) -> tuple[int, int, int, int]:
    """How many are staged, running, healthy, unhealthy (marathon-api 4.2)."""
    return (
        sum(each.state == STAGING for each in found),
        sum(each.state == RUNNING for each in found),
        sum(each.state == RUNNING and each.healthy is True for each in found),
        sum(_is_unhealthy(each) for each in found),
    )


def _is_unhealthy(instance: Instance) -> bool:
    return instance.state in (RUNNING, KILLING) and any(each and not each.alive for each in instance.results)


def _last_failure(record: Record) -> Document:
    failure = record.last_failure
    if failure is None:
        return {}
    return {
        "lastTaskFailure": {
            "appId": record.id,
            "host": failure.node,
            "message": failure.message,
            "state": failure.state,
            "taskId": failure.task_id,
            "timestamp": written(failure.at_s),
            "version": failure.version,
            "slaveId": agent_id(failure.node),
        }
    }


def tasks(record: Record, *, with_service_ports: bool = False) -> list[Document]:
    """All tasks of the app; one that ended stays until its replacement is launched."""
    ports = record.definition.service_ports if with_service_ports and record.definition else ()
    return [task(each, ports) for each in record.instances.values() if each.state]


def task(instance: Instance, service_ports: Iterable[int] = ()) -> Document:
    document: Document = {
        "id": instance.task_id,
        "appId": instance.definition.id,
        "host": instance.node,
        "slaveId": agent_id(instance.node),
        "state": instance.state,
        "ports": list(instance.ports) if instance.is_active else [],
        "ipAddresses": [{"ipAddress": instance.node, "protocol": "IPv4"}],
        "healthCheckResults": [_result(instance, each) for each in instance.results if each],
        "servicePorts": list(service_ports),
        "localVolumes": [],
    }
    if instance.is_active:
        document["stagedAt"] = written(instance.staged_at_s)
        document["version"] = instance.definition.version
    if instance.started_at_s is not None:
        document["startedAt"] = written(instance.started_at_s)
    return document


def _result(instance: Instance, result: CheckResult) -> Document:
    document: Document = {
        "alive": result.alive,
        "consecutiveFailures": result.consecutive_failures,
        "instanceId": instance.id,
    }
    times = (
        ("firstSuccess", result.first_success_s),
        ("lastSuccess", result.last_success_s),
        ("lastFailure", result.last_failure_s),
    )
    document.update({name: written(at_s) for name, at_s in times if at_s is not None})
    if result.last_failure_cause:
        document["lastFailureCause"] = result.last_failure_cause
    return document


def deployment(cluster: Cluster, found: Deployment) -> Document:
    current = [
        {
            "action": action.kind,
            "app": action.app_id,
            "readinessCheckResults": _readiness(cluster.records.get(action.app_id)),
        }
        for action in found.step
    ]
    return {
        "id": found.id,
        "version": found.version,
        "affectedApps": found.app_ids,
        "affectedPods": [],
        "steps": plan(found)["steps"],
        "currentActions": current,
        "currentStep": found.current,
        "totalSteps": len(found.steps),
    }


def queue(cluster: Cluster, now_s: float, *, with_offers: bool = False) -> list[Document]:
    """What waits for a launch, and why (marathon-api 6.14)."""
    return [
        _queued(record, waiting, now_s, with_offers=with_offers)
        for record in cluster.apps()
        if (waiting := [each for each in record.instances.values() if each.waits])
    ]


def _queued(record: Record, waiting: Sequence[Instance], now_s: float, *, with_offers: bool) -> Document:
    app = record.goal or record.definition
    left_s = launch_at(record.backoff, app, now_s) - now_s if app else 0.0
    since_s = min(each.waits_since_s for each in waiting)
    document: Document = {
        "app": record.document,
        "count": len(waiting),
        "delay": {"timeLeftSeconds": math.ceil(left_s), "overdue": left_s <= 0},
        "since": written(since_s),
        "processedOffersSummary": _offers(record, since_s),
    }
    if with_offers:
        document["lastUnusedOffers"] = [_unused_offer(each, record.declined_at_s) for each in record.declined]
    return document


def _offers(record: Record, since_s: float) -> Document:
    """Why no node takes the app's next task; a node that was looked at counts as an offer."""
    rejected = [
        {"reason": each.reason, "declined": each.declined, "processed": each.processed}
        for each in (summary(record.declined) if record.declined else ())
    ]
    used_at_s = [each.staged_at_s for each in record.instances.values() if each.is_active]
    document: Document = {
        "processedOffersCount": len(record.declined),
        "unusedOffersCount": len(record.declined),
        "rejectSummaryLastOffers": rejected,
        "rejectSummaryLaunchAttempt": rejected,
    }
    if record.declined:
        document["lastUnusedOfferAt"] = written(record.declined_at_s)
    if max(used_at_s, default=-1.0) >= since_s:
        document["lastUsedOfferAt"] = written(max(used_at_s))
    return document


def _unused_offer(declined: Declined, at_s: float) -> Document:
    """A node that did not take the task, as if it had offered what it had left."""
    node, free = declined.node, declined.free
    amounts = (("cpus", free.cpus), ("mem", free.mem), ("disk", free.disk))
    ports = {"name": "ports", "role": node.role, "ranges": [{"begin": node.ports[0], "end": node.ports[-1]}]}
    scalars = [{"name": name, "role": node.role, "scalar": amount / 1000} for name, amount in amounts]
    return {
        "offer": {
            "id": f"{agent_id(node.address)}-offer",
            "hostname": node.address,
            "agentId": agent_id(node.address),
            "resources": [*scalars, ports],
            "attributes": [{"name": name, "text": text} for name, text in node.attributes.items()],
        },
        "reason": [declined.reason],
        "timestamp": written(at_s),
    }


def group(apps: Mapping[str, Document], groups: Mapping[str, Iterable[str]], version: str, root: str = "/") -> Document:
    """The tree of groups below `root`, with the apps' documents in their places."""
    placed: dict[str, Document] = {root: _empty_group(root, groups.get(root, ()), version)}
    for group_id in sorted(groups):
        if ids.is_below(group_id, root):
            placed[group_id] = _empty_group(group_id, groups[group_id], version)
            placed[ids.parent(group_id)]["groups"].append(placed[group_id])
    for app_id, document in apps.items():
        if ids.is_below(app_id, root):
            placed[ids.parent(app_id)]["apps"].append(document)
    return placed[root]


def pruned(group: Document, wanted: Set[str]) -> Document:
    """The group with empty lists in place of those parts ("apps", "groups", "pods") that are not wanted."""
    left_out: Document = {part: [] for part in ("apps", "groups", "pods") if part not in wanted}
    return {**group, "groups": [pruned(each, wanted) for each in group["groups"]], **left_out}


def tree(found: Tree, root: str = "/") -> Document:
    """A state of the past as a group, below `root`."""
    return group({app_id: app.document() for app_id, app in found.apps.items()}, found.groups, found.version, root)


def _empty_group(group_id: str, dependencies: Iterable[str], version: str) -> Document:
    lists: Document = {"apps": [], "groups": [], "pods": [], "dependencies": list(dependencies)}
    return {"id": group_id, **lists, "version": version}


def text_lines(record: Record) -> list[str]:
    """The app's lines of the plain-text list of tasks: one a service port (marathon-api 6.11)."""
    name = ids.safe(record.id)
    running = [each for each in record.instances.values() if each.state == RUNNING]
    service_ports = record.definition.service_ports if record.definition else ()
    if not service_ports:
        return [f"{name}\t \t{''.join(f'{each.node} ' for each in running)}\n"]
    lines = []
    for index, service_port in enumerate(service_ports):
        places = [f"{each.node}:{each.ports[index]}\t" for each in running if index < len(each.ports)]
        lines.append(f"{name}\t{service_port}\t{''.join(places)}\n")
    return lines
