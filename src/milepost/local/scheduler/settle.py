"""From what exists to what is wanted, app by app. Level-based: asked again after each change, it does the rest."""

from milepost.local.apps.definition import Definition
from milepost.local.scheduler.cluster import RUNNING, STAGING, UNREACHABLE, Instance, Record
from milepost.local.scheduler.lifecycle import add_instance, kill, launch_waiting
from milepost.local.scheduler.rollout import Census, Rollout, to_kill, to_start
from milepost.local.scheduler.turn import Turn
from milepost.local.scheduler.unreachable import lapse

KILL_ORDER = {UNREACHABLE: 1, STAGING: 2, RUNNING: 3}  # after what only waits for a launch (marathon-api 9.5)


def settle(turn: Turn, record: Record) -> None:
    """Kill, add and launch what the record's goal asks for now."""
    lapse(turn, record)
    if record.goal is None:
        for instance in record.staying:
            kill(turn, record, instance, leaving=True)
    elif record.rollout:
        _roll(turn, record, record.goal, record.rollout)
    else:
        _scale(turn, record, record.goal)
    launch_waiting(turn, record)


def census(record: Record, goal: Definition) -> Census:
    """Counts instances of the goal's config version as new, all others as old."""
    staying = record.staying
    new = [each for each in staying if each.definition.config_version == goal.config_version]
    dying = sum(each.leaving and each.is_active for each in record.instances.values())
    return Census(len(staying) - len(new), dying, len(new), sum(each.is_good for each in new))


def _roll(turn: Turn, record: Record, goal: Definition, rollout: Rollout) -> None:
    old = [each for each in record.staying if each.definition.config_version != goal.config_version]
    for instance in _bad_first(_victims(old, goal))[: to_kill(rollout, census(record, goal))]:
        kill(turn, record, instance, leaving=True)
    for _ in range(to_start(rollout, census(record, goal))):
        add_instance(turn, record, goal)


def _scale(turn: Turn, record: Record, goal: Definition) -> None:
    staying = record.staying
    for instance in _victims(staying, goal)[: max(0, len(staying) - goal.instances)]:
        kill(turn, record, instance, leaving=True)
    for _ in range(goal.instances - len(staying)):
        add_instance(turn, record, goal)


def _victims(instances: list[Instance], goal: Definition) -> list[Instance]:
    """In the order in which they go: by state, then the youngest (or oldest) first."""
    sign = 1 if goal.kill_selection == "OLDEST_FIRST" else -1
    in_age = sorted(instances[::sign], key=lambda each: sign * (each.started_at_s or each.staged_at_s))
    return sorted(in_age, key=lambda each: KILL_ORDER.get(each.state, 0))


def _bad_first(victims: list[Instance]) -> list[Instance]:
    """For a restart: those that are no good go before the others (marathon-api 10.4)."""
    return sorted(victims, key=lambda each: each.is_good)
