"""The scheduler's own log: what became of tasks and deployments, one line each."""

import structlog

from milepost.local.scheduler.cluster import KILLING, STAGING
from milepost.local.scheduler.effects import EmitEvent

ON_THE_WAY = frozenset({STAGING, KILLING})  # what becomes of the task is told soon
_log = structlog.get_logger()


def note(event: EmitEvent) -> None:
    """Log the event if it is of the few that somebody who watches the scheduler wants to see."""
    body = event.body
    match event.type:
        case "status_update_event":
            task = {"app": body["appId"], "task": body["taskId"], "node": body["host"], "ports": body["ports"]}
            tell = _log.debug if body["taskStatus"] in ON_THE_WAY else _log.info
            tell("task_status", status=body["taskStatus"], message=body["message"], **task)
        case "deployment_success" | "deployment_failed":
            _log.info(event.type, deployment=body["id"], reason=body.get("reason", ""))
        case "unhealthy_instance_kill_event":
            _log.warning("task_unhealthy", app=body["appId"], task=body["taskId"], reason=body["reason"])
