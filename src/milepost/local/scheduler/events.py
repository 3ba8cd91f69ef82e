"""The events of the stream (marathon-api 11.6), as effects. The engine adds nothing to a body but trees."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import to_builtins

from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import Definition, HealthCheck
from milepost.local.scheduler.cluster import STAGING, Deployment, Instance
from milepost.local.scheduler.effects import EmitEvent
from milepost.local.scheduler.steps import Step
from milepost.local.scheduler.timestamp import written


def event(kind: str, now_s: float, **body: object) -> EmitEvent:
    return EmitEvent(kind, {**body, "eventType": kind, "timestamp": written(now_s)})


def agent_id(node: str) -> str:
    """A name for the node, as Mesos would give its agents; "" without a node."""
    return f"local-S{node.rpartition('.')[2]}" if node else ""


def status_update(instance: Instance, status: str, message: str, now_s: float) -> EmitEvent:
    return event(
        "status_update_event",
        now_s,
        slaveId="" if status == STAGING else agent_id(instance.node),
        taskId=instance.task_id,
        taskStatus=status,
        message=message,
        appId=instance.definition.id,
        host=instance.node,
        ipAddresses=[] if status == STAGING else [{"ipAddress": instance.node, "protocol": "IPv4"}],
        ports=list(instance.ports),
        version=instance.definition.version,
    )


def instance_changed(instance: Instance, condition: str, now_s: float) -> EmitEvent:
    return event(
        "instance_changed_event",
        now_s,
        instanceId=instance.id,
        condition=condition,
        runSpecId=instance.definition.id,
        agentId=agent_id(instance.node),
        host=instance.node,
        runSpecVersion=instance.definition.version,
    )


def instance_health_changed(instance: Instance, now_s: float) -> EmitEvent:
    return event(
        "instance_health_changed_event",
        now_s,
        instanceId=instance.id,
        runSpecId=instance.definition.id,
        healthy=instance.healthy,
        runSpecVersion=instance.definition.version,
    )


def health_status_changed(instance: Instance, *, alive: bool, now_s: float) -> EmitEvent:
    app = instance.definition
    return event(
        "health_status_changed_event", now_s, appId=app.id, instanceId=instance.id, version=app.version, alive=alive
    )


def failed_health_check(instance: Instance, check: HealthCheck, now_s: float) -> EmitEvent:
    """`taskId` holds the instance's id: so the servers of this shape write it."""
    app_id = instance.definition.id
    kind = "failed_health_check_event"
    return event(kind, now_s, appId=app_id, healthCheck=to_builtins(check), taskId=instance.id)


def unhealthy_kill(instance: Instance, reason: str, now_s: float) -> EmitEvent:
    return event(
        "unhealthy_instance_kill_event",
        now_s,
        appId=instance.definition.id,
        taskId=instance.task_id,
        instanceId=instance.id,
        version=instance.definition.version,
        reason=reason,
        host=instance.node,
        slaveId=agent_id(instance.node),
    )


def health_check_added(app: Definition, check: HealthCheck, now_s: float) -> EmitEvent:
    kind = "add_health_check_event"
    return event(kind, now_s, appId=app.id, healthCheck=to_builtins(check), version=app.version)


def group_change(app_id: str, version: str, now_s: float) -> EmitEvent:
    return event("group_change_success", now_s, groupId=ids.parent(app_id), version=version)


def api_post(definition: Definition, client_ip: str, uri: str, now_s: float) -> EmitEvent:
    """`versionInfo` is not part of it, as in the answer to a create."""
    document = definition.document()
    document.pop("versionInfo", None)
    return event("api_post_event", now_s, clientIp=client_ip, uri=uri, appDefinition=document)


def deployment_event(kind: str, deployment: Deployment, now_s: float, **more: object) -> EmitEvent:
    """`more` is `id` for the two that end a deployment (and `reason`); the others tell the step under way."""
    body: dict[str, Any] = {"plan": plan(deployment), **more}
    if "id" not in more:
        body["currentStep"] = {"actions": _actions(deployment)}
    return EmitEvent(kind, {**body, "eventType": kind, "timestamp": written(now_s)}, deployment.trees)


def plan(deployment: Deployment) -> Mapping[str, Any]:
    deployment.shown_steps = deployment.shown_steps or steps(deployment.steps)
    return {"id": deployment.id, "steps": deployment.shown_steps, "version": deployment.version}


def steps(found: Iterable[Step]) -> list[Mapping[str, Any]]:
    return [{"actions": [{"action": action.kind, "app": action.app_id} for action in step]} for step in found]


def _actions(deployment: Deployment) -> list[dict[str, str]]:
    return [{"action": action.kind, "app": action.app_id} for action in deployment.step]
