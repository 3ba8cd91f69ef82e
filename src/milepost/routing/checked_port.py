"""Which port of a task is checked in place of a service's own: BACKEND_HEALTHCHECK_PORT_INDEX."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from milepost.model.routing import Endpoint
from milepost.model.snapshot import Task


@dataclass(frozen=True, slots=True)
class CheckedPort:
    """The `index` that an owner wrote, into `ports`: of each of the app's service ports, in their order, the positions
    in `Task.ports`. A negative index counts from the end (marathon-lb-behaviour.md 11.3).
    """

    index: int
    ports: tuple[tuple[int, ...], ...]

    @property
    def is_in_range(self) -> bool:
        return -len(self.ports) <= self.index < len(self.ports)

    def of_task(self, task: Task, number: int) -> int | None:
        """The same task's port there, None where it has none. `number`: which of the service's positions it is for."""
        if not self.is_in_range:
            return None
        positions = self.ports[self.index]
        position = positions[min(number, len(positions) - 1)]
        return task.ports[position] if position < len(task.ports) and task.ports[position] > 0 else None


def checked_by_rank(
    endpoints: Sequence[Endpoint], index: int, pools: Sequence[Sequence[Endpoint]]
) -> tuple[Endpoint, ...] | None:
    """As marathon-lb chose it: `pools` are the endpoints of the app's services that have any, in order; of the one at
    `index` the endpoint of the same rank. Beyond them each checks its own port. None where marathon-lb stopped: at the
    index that equals their number (its Q26).
    """
    if index == len(pools):
        return None
    pool = pools[index] if -len(pools) <= index < len(pools) else ()
    return tuple(
        replace(endpoint, check_port=pool[rank].port if rank < len(pool) else endpoint.port)
        for rank, endpoint in enumerate(endpoints)
    )
