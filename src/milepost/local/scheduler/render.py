"""The state as Marathon's API writes it (marathon-api 4.2, 6, 9.1). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from milepost.local.apps import app_id as ids
from milepost.local.scheduler.cluster import RUNNING, Cluster, Deployment, Instance, Record
from milepost.local.scheduler.events import agent_id, plan
from milepost.local.scheduler.health import CheckResult
from milepost.local.scheduler.task_stats import counts, task_stats
from milepost.local.scheduler.timestamp import written
from milepost.local.scheduler.tree import Tree

Document = dict[str, Any]


def app(cluster: Cluster, record: Record, embeds: Set[str], now_s: float) -> Document:
    """The app, and of its state what `embeds` names: "counts", "deployments", "tasks" and "failures" (both with
    deployments), "lastTaskFailure", "readiness", "taskStats" (marathon-api 6.1).
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
        document["readinessCheckResults"] = list(_readiness(record)) if holder else []
    if "taskStats" in embeds:
        document["taskStats"] = task_stats(record, now_s)
    return document


def _readiness(record: Record) -> Iterator[Document]:
    """What a deployment heard of its tasks: nobody asks them here, so that each is ready as soon as it runs."""
    for check in record.document.get("readinessChecks", ()):
        for each in record.instances.values():
            if each.state == RUNNING:
                yield {"name": check.get("name", "readinessCheck"), "taskId": each.task_id, "ready": True}


def _counts(record: Record) -> Document:
    found = counts(list(record.instances.values()))
    return {f"tasks{kind.title()}": number for kind, number in found.items()}


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


def deployment(found: Deployment) -> Document:
    current = [{"action": action.kind, "app": action.app_id, "readinessCheckResults": []} for action in found.step]
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


def queue(cluster: Cluster, now_s: float) -> list[Document]:
    """What waits for a launch."""
    items = []
    for record in cluster.apps():
        waiting = sum(each.waits for each in record.instances.values())
        if waiting:
            left_s = max(0.0, (record.wake_at_s or now_s) - now_s)
            items.append(
                {
                    "app": record.document,
                    "count": waiting,
                    "delay": {"timeLeftSeconds": round(left_s), "overdue": left_s == 0},
                    "processedOffersSummary": _offers(record),
                }
            )
    return items


def _offers(record: Record) -> Document:
    """Why no node takes the app's next task; a node that was looked at counts as an offer."""
    summary = [
        {"reason": each.reason, "declined": each.declined, "processed": each.processed} for each in record.rejections
    ]
    count = record.rejections[0].processed if record.rejections else 0
    return {
        "processedOffersCount": count,
        "unusedOffersCount": count,
        "rejectSummaryLastOffers": summary,
        "rejectSummaryLaunchAttempt": summary,
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
