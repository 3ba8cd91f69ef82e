"""Whether a constraint lets a task onto a node (its operators: marathon-api 4.1; their meaning: Marathon's manual).

`peers` are the nodes of the app's other tasks of the same config version, a node once for each task.
"""

import re
from collections import Counter
from collections.abc import Iterable

from milepost.local.apps.constraints import Constraint
from milepost.local.scheduler.nodes import Node


def allows(constraint: Constraint, node: Node, peers: Iterable[Node]) -> bool:
    """A node without the attribute satisfies no constraint but UNLIKE."""
    value = node.value(constraint.field)
    if value is None:
        return constraint.operator == "UNLIKE"
    match constraint.operator:
        case "LIKE":
            return re.fullmatch(constraint.value, value) is not None
        case "UNLIKE":
            return re.fullmatch(constraint.value, value) is None
        case "IS":
            return value == constraint.value
        case "CLUSTER" if constraint.value:
            return value == constraint.value
    return _fits(constraint, value, _groups(constraint, peers))


def crowd(constraints: Iterable[Constraint], node: Node, peers: Iterable[Node]) -> int:
    """How many tasks the groups that this node would join hold already: GROUP_BY prefers the emptiest."""
    grouping = [each for each in constraints if each.operator == "GROUP_BY"]
    return sum(_groups(each, peers)[node.value(each.field) or ""] for each in grouping)


def _fits(constraint: Constraint, value: str, groups: Counter[str]) -> bool:
    """The operators that look at where the other tasks are: `groups` counts those by their nodes' values."""
    match constraint.operator:
        case "UNIQUE":
            return value not in groups
        case "CLUSTER":
            return set(groups) <= {value}
        case "MAX_PER":
            return groups[value] < int(constraint.value)
    # GROUP_BY: a value that has no task yet, or, once there are as many values as asked for, one that has the fewest
    if value not in groups:
        return True
    return len(groups) >= int(constraint.value or 0) and groups[value] == min(groups.values())


def _groups(constraint: Constraint, peers: Iterable[Node]) -> Counter[str]:
    values = (peer.value(constraint.field) for peer in peers)
    return Counter(value for value in values if value is not None)
