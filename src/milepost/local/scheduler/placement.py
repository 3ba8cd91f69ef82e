"""Which node takes a task: the emptiest that constraints, resources and ports allow."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from milepost.local.apps.constraints import constraints_of
from milepost.local.apps.definition import Definition
from milepost.local.scheduler import ports
from milepost.local.scheduler.constraints import allows, crowd
from milepost.local.scheduler.nodes import ANYBODY, Node, Resources, needed
from milepost.local.scheduler.ports import Pick

REASONS = (
    "UnfulfilledRole",
    "UnfulfilledConstraint",
    "InsufficientCpus",
    "InsufficientMemory",
    "InsufficientDisk",
    "InsufficientPorts",
)
"""Marathon's words, in the order in which a node is looked at (marathon-api 6.14)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that can be reached: what our tasks leave of it, and the host ports that are taken there."""

    node: Node
    free: Resources
    taken_ports: Collection[int]
    tasks: int


@dataclass(frozen=True, slots=True)
class Place:
    """`node` is an address."""

    node: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Declined:
    """A node that did not take a task: what it had left then, and the reason against it."""

    node: Node
    free: Resources
    reason: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Of the `processed` nodes that got as far as this reason, `declined` were passed over for it."""

    reason: str
    declined: int
    processed: int


def place(
    app: Definition, candidates: Sequence[Candidate], peers: Sequence[Node], pick: Pick
) -> Place | tuple[Declined, ...]:
    """A place for one more task of the app, or why there is none. Of equal candidates the first is taken.

    `peers` are the nodes of the app's other tasks of the same config version.
    """
    constraints = constraints_of(app)
    declined: list[Declined] = []
    for each in sorted(candidates, key=lambda each: (crowd(constraints, each.node, peers), each.tasks)):
        found = _try(app, each, peers, pick)
        if isinstance(found, Place):
            return found
        declined.append(Declined(each.node, each.free, found))
    return tuple(declined)


def _try(app: Definition, candidate: Candidate, peers: Sequence[Node], pick: Pick) -> Place | str:
    """A place at this node, or the reason against it."""
    if candidate.node.role not in (app.accepted_resource_roles or (ANYBODY,)):
        return "UnfulfilledRole"
    if not all(allows(each, candidate.node, peers) for each in constraints_of(app)):
        return "UnfulfilledConstraint"
    left = candidate.free - needed(app)
    for amount, reason in ((left.cpus, "Cpus"), (left.mem, "Memory"), (left.disk, "Disk")):
        if amount < 0:
            return f"Insufficient{reason}"
    chosen = ports.choose(ports.requested(app), candidate.taken_ports, pick, candidate.node.ports)
    return "InsufficientPorts" if chosen is None else Place(candidate.node.address, chosen)


def summary(declined: Sequence[Declined]) -> tuple[Rejection, ...]:
    """How many nodes stood which reason against; nothing if no node was looked at."""
    found, left = [], len(declined)
    for reason in REASONS:
        count = sum(each.reason == reason for each in declined)
        found.append(Rejection(reason, count, left))
        left -= count
    return tuple(found)
