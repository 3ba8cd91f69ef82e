"""Faults on demand: nodes that stop, or that cannot be reached for a while. Commands, as those in `changes`."""

from collections.abc import Callable

from milepost.local.apps.refusal import Refused
from milepost.local.scheduler.cluster import PARTITIONED, STOPPED, UNREACHABLE, Cluster, Instance, Record
from milepost.local.scheduler.deployments import advance
from milepost.local.scheduler.effects import DropTask, KillTask
from milepost.local.scheduler.lifecycle import over
from milepost.local.scheduler.react import feed_starved, react
from milepost.local.scheduler.turn import Turn
from milepost.local.scheduler.unreachable import find_again, lose

ORPHAN_GRACE_S = 3.0


def stop_node(turn: Turn, name: str) -> None:
    """The node loses power: its tasks are gone, and it takes none until it is started. Raises Refused (404)."""
    address = _address(turn.cluster, name)
    turn.cluster.down[address] = STOPPED
    turn.cluster.unheard.pop(address, None)
    turn.want(*map(DropTask, turn.cluster.orphans.pop(address, ())))

    def lose_for_good(turn: Turn, record: Record, instance: Instance) -> None:
        turn.want(DropTask(instance.task_id))
        over(turn, record, instance, "TASK_GONE", "the node was stopped")

    _each_task(turn, address, lose_for_good)


def partition_node(turn: Turn, name: str) -> None:
    """The node cannot be reached; its tasks run on. Raises Refused: 404, or 409 for one that is stopped."""
    address = _address(turn.cluster, name)
    if turn.cluster.down.get(address) == STOPPED:
        raise Refused(409, f"node {address} is stopped; there is nothing to cut off")
    if address not in turn.cluster.down:
        turn.cluster.down[address] = PARTITIONED
        _each_task(turn, address, lose)


def start_node(turn: Turn, name: str) -> None:
    """The node is there again, whatever was wrong with it; tasks that were given up end. Raises Refused (404)."""
    address = _address(turn.cluster, name)
    if turn.cluster.down.pop(address, None) is None:
        return
    turn.want(*(KillTask(task_id, ORPHAN_GRACE_S) for task_id in turn.cluster.orphans.pop(address, ())))

    def find(turn: Turn, record: Record, instance: Instance) -> None:
        if instance.state == UNREACHABLE:
            find_again(turn, record, instance)

    _each_task(turn, address, find)
    for message in turn.cluster.unheard.pop(address, ()):
        react(turn, message)
    feed_starved(turn)


def _each_task(turn: Turn, address: str, act: Callable[[Turn, Record, Instance], None]) -> None:
    """Let it happen to all tasks of a node first; then see what follows for their apps."""
    found = [
        (record, each)
        for record in turn.cluster.records.values()
        for each in record.instances.values()
        if each.is_active and each.node == address
    ]
    for record, instance in found:
        act(turn, record, instance)
    for record in {record.id: record for record, _ in found}.values():
        advance(turn, record)


def _address(cluster: Cluster, name: str) -> str:
    """Of the node that is named by its address or by the last number of that."""
    for node in cluster.nodes:
        if name in (node.address, node.address.rpartition(".")[2]):
            return node.address
    raise Refused(404, f"Node '{name}' does not exist; there are {', '.join(node.address for node in cluster.nodes)}")
