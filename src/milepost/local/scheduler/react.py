"""The scheduler's reaction to what happens to tasks: (state, message, time) -> effects, nothing else.

What is asked for from outside is in `changes`; both work on the same `Turn`.
"""

from dataclasses import replace

from milepost.local.scheduler import events
from milepost.local.scheduler.cluster import PARTITIONED, RUNNING, UNREACHABLE, Instance, Record
from milepost.local.scheduler.deployments import advance
from milepost.local.scheduler.effects import (
    LaunchDue,
    Message,
    PortTaken,
    Probed,
    ProbeHealth,
    ReadinessHeard,
    TaskEnded,
    TaskStarted,
)
from milepost.local.scheduler.health import judge, next_probe_s
from milepost.local.scheduler.lifecycle import ask_readiness, ended, kill, port_taken, started
from milepost.local.scheduler.probe_port import probe_port
from milepost.local.scheduler.readiness import ask_again_s, heard
from milepost.local.scheduler.turn import Turn


def react(turn: Turn, message: Message) -> None:
    """Take the message in. What it says about a task that is no more is ignored."""
    if isinstance(message, LaunchDue):
        _wake(turn, message)
        return
    instance = turn.cluster.instance_of(message.task_id)
    if instance is None or instance.task_id != message.task_id or not instance.is_active:
        return
    if turn.cluster.down.get(instance.node) == PARTITIONED and not isinstance(message, Probed | ReadinessHeard):
        turn.cluster.unheard.setdefault(instance.node, []).append(message)
        return
    record = turn.cluster.homes[instance.id]
    match message:
        case TaskStarted(note=note):
            started(turn, record, instance, note)
        case TaskEnded(status=status, note=note):
            ended(turn, record, instance, status, note)
        case PortTaken(port=port):
            port_taken(turn, record, instance, port)
        case Probed():
            _probed(turn, record, instance, message)
        case ReadinessHeard():
            _heard(turn, record, instance, message)
    advance(turn, record)
    if isinstance(message, TaskEnded):
        feed_starved(turn)


def _wake(turn: Turn, due: LaunchDue) -> None:
    """Only the earliest that was asked for counts: an older one, asked again, would ask for ever beside it."""
    record = turn.cluster.records.get(due.app_id)
    if record and record.wake_at_s == due.at_s:
        record.wake_at_s = None
        advance(turn, record)


def feed_starved(turn: Turn) -> None:
    """There is more room than before: apps that found none try again."""
    for app_id in list(turn.cluster.starved):
        turn.cluster.starved.discard(app_id)
        record = turn.cluster.records.get(app_id)
        if record:
            advance(turn, record)


def _probed(turn: Turn, record: Record, instance: Instance, probed: Probed) -> None:
    if instance.state not in (RUNNING, UNREACHABLE) or instance.started_at_s is None:
        return
    check = instance.definition.checks[probed.index]
    if instance.state == UNREACHABLE:  # the answer is not heard, but the question is asked again
        turn.want(_probe(instance, probed.index, float(check.interval_seconds)))
        return
    before = instance.results[probed.index]
    verdict = judge(before, check, probed.failure, instance.started_at_s, turn.now_s)
    results = (*instance.results[: probed.index], verdict.result, *instance.results[probed.index + 1 :])
    after = replace(instance, results=results)
    record.instances[instance.id] = after
    if probed.failure is not None and verdict.counted:
        turn.want(events.failed_health_check(after, check, turn.now_s))
    if verdict.result.alive != (before is not None and before.alive):
        turn.want(events.health_status_changed(after, alive=verdict.result.alive, now_s=turn.now_s))
    if after.healthy != instance.healthy:
        turn.want(events.instance_health_changed(after, turn.now_s))
    if verdict.must_die:
        reason = probed.failure or ""
        turn.want(events.unhealthy_kill(after, reason, turn.now_s))
        kill(turn, record, after, leaving=False, health_reason=reason)
        return
    turn.want(_probe(after, probed.index, next_probe_s(verdict, check, instance.started_at_s, turn.now_s)))


def _heard(turn: Turn, record: Record, instance: Instance, message: ReadinessHeard) -> None:
    """Nobody asks any more once the task is ready, or the deployment over."""
    check = instance.definition.readiness_check
    if check is None or instance.readiness is None or instance.started_at_s is None:
        return
    if instance.state == RUNNING:
        instance = replace(instance, readiness=heard(check, message.answer))
        record.instances[instance.id] = instance
    if instance.state in (RUNNING, UNREACHABLE) and not (instance.readiness and instance.readiness.ready):
        ask_readiness(turn, instance, ask_again_s(check, message.answer, instance.started_at_s or 0.0, turn.now_s))


def _probe(instance: Instance, index: int, after_s: float) -> ProbeHealth:
    check = instance.definition.checks[index]
    return ProbeHealth(instance.task_id, index, check, instance.node, probe_port(instance, check), after_s)
