"""What to do next while one colour takes the place of the other. Pure: all that is seen comes as values (19.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from milepost.compat.zdd.colours import Pair


@dataclass(frozen=True, slots=True)
class Listener:
    """A server of the backend at one balancer. `task_id` is "" where it is no task's of either colour."""

    task_id: str
    status: str
    sessions: int
    queued: int

    @property
    def is_up(self) -> bool:
        return self.status.startswith(("UP", "no check"))

    @property
    def is_in_maint(self) -> bool:
        return self.status.startswith("MAINT")

    @property
    def is_drained(self) -> bool:
        """Whether it gets nothing new, and all that it got has ended."""
        return self.is_in_maint and not self.sessions and not self.queued


@dataclass(frozen=True, slots=True)
class Balancer:
    """What one balancer says. `is_reloading`: an old process of it may have sessions that it does not count."""

    listeners: tuple[Listener, ...]
    is_reloading: bool = False


Seen = Sequence[Balancer]


def drainable(pair: Pair) -> int:
    """How many old tasks the balancers are expected to drain, by their rule (18)."""
    spare = pair.new.instances + pair.old.instances - pair.new.target
    return min(len(pair.old.app.tasks), pair.new.instances, max(0, spare))


def hold_up(pair: Pair, seen: Seen) -> str:
    """Why tasks cannot be killed yet, "" where nothing stands against it.

    Unlike marathon-lb's tool it does not wait for a drained task where none is to be drained (its Q57).
    """
    listeners = [listener for balancer in seen for listener in balancer.listeners]
    instances = pair.new.instances + pair.old.instances
    if any(balancer.is_reloading for balancer in seen):
        return "a balancer reloads"
    if len(listeners) != instances * len(seen):
        return f"{len(listeners)} servers at {len(seen)} balancers, waiting for {instances} at each"
    if sum(listener.is_up for listener in listeners) < pair.new.target * len(seen):
        return f"fewer than {pair.new.target} servers are up at each balancer"
    if drainable(pair) and not any(listener.is_drained for listener in listeners):
        return "no drained server has ended its sessions"
    return ""


def drained_tasks(pair: Pair, seen: Seen) -> tuple[str, ...]:
    """The old tasks that no balancer uses any more."""
    idle = [{one.task_id for one in balancer.listeners if one.is_drained} for balancer in seen]
    return _of_old(pair, idle)


def overdue_tasks(pair: Pair, seen: Seen) -> tuple[str, ...]:
    """The old tasks that every balancer drains, when their sessions had their time."""
    drained = [{one.task_id for one in balancer.listeners if one.is_in_maint} for balancer in seen]
    return _of_old(pair, drained)


def is_named(seen: Seen) -> bool:
    """Whether any balancer has the backend at all."""
    return any(balancer.listeners for balancer in seen)


def is_hybrid_end(pair: Pair) -> bool:
    """Whether both colours have as many instances as they keep."""
    new, old = pair.new, pair.old
    return pair.is_hybrid and new.instances == new.kept and old.instances == new.target - new.kept


def is_full_end(pair: Pair, task_ids: Sequence[str]) -> bool:
    """Whether the new colour is whole and all that the old one has may be killed."""
    is_whole = pair.new.instances >= pair.new.target
    return not pair.is_hybrid and is_whole and len(task_ids) == pair.old.instances


def next_instances(pair: Pair, linear: int) -> int:
    """How many instances the new colour is to have next: by half more each time, or by `linear` where that is not 0.

    Where it would have caught up with the old one, as it was before this round, it goes to its goal at once.
    """
    now, goal = pair.new.instances, pair.new.kept if pair.is_hybrid else pair.new.target
    grown = now + (linear or max(1, (now + 1) // 2))
    if not linear and not pair.is_hybrid and grown >= pair.old.instances:
        grown = goal
    return max(now, min(grown, goal))


def _of_old(pair: Pair, by_balancer: Sequence[set[str]]) -> tuple[str, ...]:
    return tuple(task.id for task in pair.old.app.tasks if all(task.id in found for found in by_balancer))
