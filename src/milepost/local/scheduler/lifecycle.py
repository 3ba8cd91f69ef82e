"""The life of a task, from wanted to gone (marathon-api 9.3 to 9.5)."""

from dataclasses import replace

from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import Definition
from milepost.local.scheduler import backoff, events, ports
from milepost.local.scheduler.cluster import KILLING, RUNNING, STAGING, UNREACHABLE, Instance, Record
from milepost.local.scheduler.effects import (
    KillTask,
    LaunchTask,
    ProbeHealth,
    ProbeReadiness,
    SaveSetback,
    Survivor,
    WakeAt,
)
from milepost.local.scheduler.environment import environment
from milepost.local.scheduler.failure import TaskFailure
from milepost.local.scheduler.health import FIRST_PROBE_S
from milepost.local.scheduler.nodes import Node, Resources, needed
from milepost.local.scheduler.placement import Candidate, Place, place
from milepost.local.scheduler.probe_port import probe_port, readiness_port
from milepost.local.scheduler.readiness import Readiness
from milepost.local.scheduler.saved import Setback
from milepost.local.scheduler.turn import Turn

STARVED_RETRY_S = 5.0
CONDITIONS = {"TASK_KILLED": "Killed", "TASK_FAILED": "Failed", "TASK_FINISHED": "Finished", "TASK_GONE": "Gone"}

DROPPED = "TASK_DROPPED"
FAILURES = frozenset({"TASK_FAILED", "TASK_GONE"})


def add_instance(turn: Turn, record: Record, app: Definition) -> None:
    """One more instance; it is launched as soon as backoff and room allow."""
    new_id = f"{ids.safe(record.id)}.instance-{turn.cluster.chance.new_id()}"
    instance = Instance(new_id, app, waits_since_s=turn.now_s)
    turn.cluster.homes[instance.id] = record
    record.instances[instance.id] = instance
    turn.want(events.instance_changed(instance, "Scheduled", turn.now_s))


def take_over(turn: Turn, record: Record, task: Survivor) -> None:
    """A task of an earlier scheduler goes on as an instance of this one."""
    app, (instance_id, _, number) = task.definition, task.task_id.partition("._app.")
    instance = Instance(
        instance_id,
        app,
        int(number),
        STAGING,
        task.node,
        task.ports,
        staged_at_s=task.staged_at_s,
        results=(None,) * len(app.checks),
        waits=False,
    )
    turn.cluster.homes[instance.id] = record
    record.instances[instance.id] = instance
    _occupy(turn, instance)
    variables = environment(app, task.task_id, task.node, task.ports)
    turn.want(LaunchTask(task.task_id, app, task.node, task.ports, variables))


def launch_waiting(turn: Turn, record: Record) -> None:
    """Launch what waits, or ask to be woken when that may be done."""
    waiting = [each for each in record.instances.values() if each.waits and not each.leaving]
    if not waiting or record.goal is None:
        return
    at_s = backoff.launch_at(record.backoff, record.goal, turn.now_s)
    if at_s > turn.now_s:
        wake(turn, record, at_s)
        return
    for instance in waiting:
        if not _launch(turn, record, instance, record.goal):
            _starve(turn, record)
            break
    else:
        record.declined = ()
        turn.cluster.starved.discard(record.id)
    if not record.instances[waiting[0].id].waits:  # those that were due together are launched together
        _note_progress(turn, record, record.goal)


def kill(turn: Turn, record: Record, instance: Instance, *, leaving: bool, health_reason: str = "") -> None:
    """Ask the instance's task to end; with `leaving` no other one follows it. One that cannot be asked is given up."""
    if instance.state == UNREACHABLE:
        expunge(turn, record, instance)
        return
    instance = replace(
        instance, leaving=leaving or instance.leaving, health_reason=health_reason or instance.health_reason
    )
    if not instance.is_active:
        if leaving:
            _remove(turn, record, instance)
        return
    if instance.state != KILLING:
        instance = replace(instance, state=KILLING)
        turn.want(
            events.status_update(instance, KILLING, "", turn.now_s),
            events.instance_changed(instance, "Killing", turn.now_s),
            KillTask(instance.task_id, instance.definition.kill_grace_s),
        )
    record.instances[instance.id] = instance


def started(turn: Turn, record: Record, instance: Instance, note: str) -> None:
    """The task runs: it can be probed, and counts as good where it has no checks."""
    if instance.state != STAGING:
        return
    instance = replace(instance, state=RUNNING, started_at_s=turn.now_s)
    record.instances[instance.id] = instance
    _note_progress(turn, record, instance.definition)
    turn.want(
        events.status_update(instance, RUNNING, note, turn.now_s),
        events.instance_changed(instance, "Running", turn.now_s),
    )
    for index, check in enumerate(instance.definition.checks):
        port = probe_port(instance, check)
        turn.want(ProbeHealth(instance.task_id, index, check, instance.node, port, FIRST_PROBE_S))
    if instance.readiness:
        ask_readiness(turn, instance, 0.0)


def ask_readiness(turn: Turn, instance: Instance, after_s: float) -> None:
    """Ask the task whether it is ready, `after_s` from now."""
    check = instance.definition.readiness_check
    if check:
        port = readiness_port(instance, check)
        turn.want(ProbeReadiness(instance.task_id, check, instance.node, port, after_s))


def ended(turn: Turn, record: Record, instance: Instance, status: int, note: str) -> None:
    """The task is gone. Unless its instance leaves, another one follows it, whatever the exit status."""
    over(turn, record, instance, "TASK_KILLED" if instance.state == KILLING else _fate(status), note)


def over(turn: Turn, record: Record, instance: Instance, state: str, note: str) -> None:
    """The same for a task whose last `state` is known."""
    _release(turn, instance)
    instance = replace(instance, state=state, waits=True, waits_since_s=turn.now_s, inactive=False)
    turn.want(
        events.status_update(instance, state, note, turn.now_s),
        events.instance_changed(instance, CONDITIONS[state], turn.now_s),
    )
    _note_failure(turn, record, instance, note)
    is_outdated = record.goal is None or instance.definition.config_version != record.goal.config_version
    if instance.leaving or (record.rollout and is_outdated):
        _remove(turn, record, instance)
    else:
        record.instances[instance.id] = instance


def expunge(turn: Turn, record: Record, instance: Instance) -> None:
    """Give up a task whose node cannot be reached: it is killed should the node come back."""
    _release(turn, instance)
    turn.cluster.orphans.setdefault(instance.node, []).append(instance.task_id)
    _remove(turn, record, instance)


def wake(turn: Turn, record: Record, at_s: float) -> None:
    """Look at the record again at `at_s`, or earlier."""
    if record.wake_at_s is None or at_s < record.wake_at_s:
        record.wake_at_s = at_s
        turn.want(WakeAt(record.id, at_s))


def port_taken(turn: Turn, record: Record, instance: Instance, port: int) -> None:
    """The task was never started: its instance waits for other ports, or for this one where the app insists on it."""
    if instance.state == KILLING:
        ended(turn, record, instance, 0, "")
        return
    turn.cluster.foreign_ports.setdefault(instance.node, set()).add(port)
    note = f"port {port} on {instance.node} is in use by another program"
    if port in ports.requested(instance.definition):
        _keep_failure(turn, record, instance, DROPPED, note)
    _release(turn, instance)
    record.instances[instance.id] = replace(instance, state="", waits=True, waits_since_s=turn.now_s)
    turn.want(
        events.status_update(instance, DROPPED, note, turn.now_s),
        events.instance_changed(instance, "Dropped", turn.now_s),
    )


def drop_waiting(turn: Turn, record: Record, config_version: str) -> None:
    """Instances of another config version that only wait for a launch go without further ado."""
    for instance in record.staying:
        if not instance.is_active and instance.definition.config_version != config_version:
            _remove(turn, record, instance)


def _launch(turn: Turn, record: Record, instance: Instance, goal: Definition) -> bool:
    """Put the instance's next task on a node; False if no node has room."""
    found = place(goal, _candidates(turn), _peers(turn, record, goal), turn.cluster.chance.pick)
    if not isinstance(found, Place):
        record.declined, record.declined_at_s = found, turn.now_s
        return False
    node, host_ports = found.node, found.ports
    instance = Instance(
        instance.id,
        goal,
        instance.incarnation + 1,
        STAGING,
        node,
        host_ports,
        staged_at_s=turn.now_s,
        results=(None,) * len(goal.checks),
        waits=False,
        readiness=Readiness() if goal.readiness_check and _is_deployed(turn, record) else None,
    )
    record.instances[instance.id] = instance
    _occupy(turn, instance)
    turn.want(
        events.instance_changed(instance, "Provisioned", turn.now_s),
        events.status_update(instance, STAGING, "", turn.now_s),
        LaunchTask(instance.task_id, goal, node, host_ports, environment(goal, instance.task_id, node, host_ports)),
    )
    return True


def _is_deployed(turn: Turn, record: Record) -> bool:
    """Whether a deployment is at work on the app: what is launched then is started by it."""
    deployment = turn.cluster.deployment_of(record.id)
    return deployment is not None and record.id in deployment.undone


def _candidates(turn: Turn) -> list[Candidate]:
    """The nodes that can be reached, as they are now, from a random one on."""
    cluster = turn.cluster
    first = cluster.chance.pick(len(cluster.nodes))
    return [
        Candidate(
            node,
            node.resources - cluster.used.get(node.address, Resources()),
            cluster.taken_ports(node.address),
            cluster.tasks_on[node.address],
        )
        for node in cluster.nodes[first:] + cluster.nodes[:first]
        if node.address not in cluster.down
    ]


def _peers(turn: Turn, record: Record, goal: Definition) -> list[Node]:
    """Where the app has tasks that run the same thing: only those count for its constraints."""
    if not goal.constraints:
        return []
    nodes = {node.address: node for node in turn.cluster.nodes}
    active = (each for each in record.instances.values() if each.is_active and each.node in nodes)
    return [nodes[each.node] for each in active if each.definition.config_version == goal.config_version]


def _starve(turn: Turn, record: Record) -> None:
    """No room anywhere: try again when a task ends, or a little later, as foreign ports may have come free."""
    turn.cluster.starved.add(record.id)
    turn.cluster.foreign_ports.clear()
    wake(turn, record, turn.now_s + STARVED_RETRY_S)


def _fate(status: int) -> str:
    return "TASK_FAILED" if status else "TASK_FINISHED"


def _occupy(turn: Turn, instance: Instance) -> None:
    """Reckon what the instance's task takes of its node."""
    cluster, node = turn.cluster, instance.node
    cluster.used_ports.setdefault(node, set()).update(instance.ports)
    cluster.used[node] = cluster.used.get(node, Resources()) + needed(instance.definition)
    cluster.tasks_on[node] += 1


def _release(turn: Turn, instance: Instance) -> None:
    """Undo `_occupy`."""
    cluster, node = turn.cluster, instance.node
    cluster.used_ports[node].difference_update(instance.ports)
    cluster.used[node] -= needed(instance.definition)
    cluster.tasks_on[node] -= 1


def _remove(turn: Turn, record: Record, instance: Instance) -> None:
    record.instances.pop(instance.id, None)
    turn.cluster.homes.pop(instance.id, None)


def _is_current(record: Record, app: Definition) -> bool:
    """Whether tasks of this config are still launched. What becomes of older ones delays no newer one."""
    return record.goal is not None and app.config_version == record.goal.config_version


def _note_progress(turn: Turn, record: Record, app: Definition) -> None:
    if _is_current(record, app):
        record.backoff = backoff.after_progress(record.backoff, app, turn.now_s)


def _note_failure(turn: Turn, record: Record, instance: Instance, note: str) -> None:
    """Failures and kills for health are kept for the API; a task that ended by itself delays the next launch."""
    if instance.state != "TASK_KILLED" and _is_current(record, instance.definition):
        record.backoff = backoff.after_failure(record.backoff, instance.definition, turn.now_s)
    if instance.health_reason:
        note = f"Task was killed since health check failed. Reason: {instance.health_reason}"
    if instance.health_reason or instance.state in FAILURES:
        _keep_failure(turn, record, instance, instance.state, note)
    elif instance.state == "TASK_KILLED":
        return
    turn.want(SaveSetback(record.id, Setback(record.last_failure, record.backoff)))


def _keep_failure(turn: Turn, record: Record, instance: Instance, state: str, note: str) -> None:
    version = instance.definition.version
    record.last_failure = TaskFailure(instance.task_id, instance.node, state, note, turn.now_s, version)
