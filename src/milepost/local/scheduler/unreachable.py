"""Tasks whose node cannot be reached: lost, replaced, given up, or found again (marathon-api 4.1, 9.1)."""

from dataclasses import replace

from milepost.local.apps.unreachable import NEVER, patience
from milepost.local.scheduler import events
from milepost.local.scheduler.cluster import KILLING, RUNNING, STAGING, UNREACHABLE, Instance, Record
from milepost.local.scheduler.lifecycle import expunge, wake
from milepost.local.scheduler.turn import Turn

LOST, FOUND = "the node cannot be reached", "the node can be reached again"


def lose(turn: Turn, record: Record, instance: Instance) -> None:
    """The task may run on, but nobody knows. What was about to be killed is given up at once."""
    killing = instance.state == KILLING
    instance = replace(instance, state=UNREACHABLE, lost_at_s=turn.now_s)
    record.instances[instance.id] = instance
    turn.want(
        events.status_update(instance, UNREACHABLE, LOST, turn.now_s),
        events.instance_changed(instance, "Unreachable", turn.now_s),
    )
    if killing:
        expunge(turn, record, instance)


def find_again(turn: Turn, record: Record, instance: Instance) -> None:
    """The task was there all the time: it goes on where it was."""
    state, condition = (STAGING, "Staging") if instance.started_at_s is None else (RUNNING, "Running")
    instance = replace(instance, state=state, inactive=False)
    record.instances[instance.id] = instance
    turn.want(
        events.status_update(instance, state, FOUND, turn.now_s),
        events.instance_changed(instance, condition, turn.now_s),
    )


def lapse(turn: Turn, record: Record) -> None:
    """Replace and give up what has been unreachable for as long as its app's strategy allows."""
    for instance in [each for each in record.instances.values() if each.state == UNREACHABLE]:
        allowed = patience(instance.definition)
        expunge_at_s = instance.lost_at_s + allowed.expunge_after_s
        inactive_at_s = instance.lost_at_s + allowed.inactive_after_s
        if turn.now_s >= expunge_at_s or _is_outdated(record, instance):
            expunge(turn, record, instance)
        elif turn.now_s < inactive_at_s:
            _wake_at(turn, record, inactive_at_s)
        else:
            if not instance.inactive:
                record.instances[instance.id] = replace(instance, inactive=True)
                turn.want(events.instance_changed(instance, "UnreachableInactive", turn.now_s))
            _wake_at(turn, record, expunge_at_s)


def _is_outdated(record: Record, instance: Instance) -> bool:
    """A deployment does not wait for a replaced task that nobody can reach."""
    goal = record.goal
    return instance.inactive and (goal is None or instance.definition.config_version != goal.config_version)


def _wake_at(turn: Turn, record: Record, at_s: float) -> None:
    if at_s < NEVER:
        wake(turn, record, at_s)
