"""Which tasks of an app serve, and where: the part of routing that changes with every task."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Dropped, Endpoint
from milepost.model.snapshot import App, NetworkMode, Task
from milepost.routing.owners import ENDED, UNCONTESTED, Owned, places
from milepost.routing.policy import Policy

_NOT_SERVING = ENDED | {"TASK_STAGING", "TASK_STARTING", "TASK_KILLING"}


@dataclass(frozen=True, slots=True)
class Route:
    """Which ports of a task feed a service: their positions in `Task.ports`. `index` is the app's own port."""

    service: str
    index: int
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """The endpoints of each of an app's services, a reason for each task that is left out, and what is odd with it."""

    endpoints: tuple[tuple[str, tuple[Endpoint, ...]], ...]
    dropped: tuple[Dropped, ...]
    problems: tuple[Problem, ...] = ()


def place(app: App, routes: tuple[Route, ...], policy: Policy, owned: Owned = UNCONTESTED) -> Placement:
    """Decide for each task of the app. Sorted by host, port and address (marathon-lb-behaviour.md 9.7 and its Q22).

    `owned` has the owners of its contested places: only an owner ever serves there.
    """
    if not routes:
        return Placement((), ())
    taken = {task.id: why for task in app.tasks if (why := _taken_by(task, owned))}
    reasons = [(task, taken.get(task.id) or why_not(task, app, policy)) for task in app.tasks]
    spared = _spared([(task, reason) for task, reason in reasons if task.id not in taken], app, policy)
    reasons = [(task, "" if task.id in spared else reason) for task, reason in reasons]
    if not policy.exact and all(reason for _, reason in reasons):
        reasons = [
            (task, "" if task.id not in taken and is_last_resort(task, app, policy) else reason)
            for task, reason in reasons
        ]
    serving = [task for task, reason in reasons if not reason]
    dropped = [Dropped(app.id, task.id, None, reason) for task, reason in reasons if reason]
    placed = tuple((route.service, tuple(_endpoints(app.id, serving, route, dropped, policy))) for route in routes)
    return Placement(placed, tuple(dropped), _half_ill(app, len(serving), spared, policy) if spared else ())


def _spared(reasons: list[tuple[Task, str]], app: App, policy: Policy) -> frozenset[str]:
    """Tasks that run but are not alive any more, and serve on: too few of those that were ever alive still are.

    When most fail at once it is more often the check, or what all of them need, and none at all serves no one. A task
    that was never alive is no part of it: a deployment that does not come up leaves the old ones as they are.
    """
    if policy.exact or not policy.health_check or not app.definition.health_checks:
        return frozenset()
    alive = sum(not reason for _, reason in reasons)
    ill = [
        task.id
        for task, reason in reasons
        if reason and task.has_been_alive and not why_not(replace(task, health=(True,)), app, policy)
    ]
    return frozenset(ill) if alive < policy.healthy_share * (alive + len(ill)) else frozenset()


def _half_ill(app: App, serving: int, spared: frozenset[str], policy: Policy) -> tuple[Problem, ...]:
    message = (
        f"{serving - len(spared)} of {serving} tasks that were alive still are, less than {policy.healthy_share:.0%}: "
        "the others serve on"
    )
    return (Problem(app.id, "health", message, Severity.WARNING),)


def why_not(task: Task, app: App, policy: Policy) -> str:
    """Why the task serves nothing, "" where it serves (marathon-lb-behaviour.md 9.6)."""
    by_event = f", by {task.unconfirmed} alone: no read has confirmed it yet" if task.unconfirmed else ""
    if task.state in _NOT_SERVING:
        return f"is in state {task.state}{by_event}"
    if task.unconfirmed and task.read is None:
        return f"is known by {task.unconfirmed} alone: no read has shown it yet"
    if policy.health_check and app.definition.health_checks and not any(task.health or ()):
        return f"is not alive{by_event}" if task.health else "has no health result yet"
    if not task.host:
        return "has no host"
    if task.address is None:
        has_own = app.definition.network is NetworkMode.CONTAINER
        return "has no address of its own yet" if has_own else f"its host {task.host} does not resolve"
    return ""


def _taken_by(task: Task, owned: Owned) -> str:
    """Why the task has ended, as far as another one is where it was; "" where nothing says so."""
    for at in places(task) if owned else ():
        owner = owned.get(at)
        if owner is not None and owner.task_id != task.id:
            return f"{at[0]} port {at[1]} is task {owner.task_id}'s of {owner.app_id} now"
    return ""


def is_last_resort(task: Task, app: App, policy: Policy) -> bool:
    """Whether the task goes on when no other serves: an event alone speaks against it, and it still runs.

    Marathon begins to kill the old task in the instant in which the new one is healthy, and that one is read first:
    without this the pool would be empty until the answer is there. Once a task has ended its port may be another's.
    """
    if not task.unconfirmed or task.read is None or task.state in ENDED:
        return False
    state, health = task.read
    return not why_not(replace(task, state=state, health=health, unconfirmed="", read=None), app, policy)


def _endpoints(
    app_id: str, tasks: list[Task], route: Route, dropped: list[Dropped], policy: Policy
) -> Iterator[Endpoint]:
    """The endpoints of one service; an address counts once, since one process answers there."""
    found: list[Endpoint] = []
    for task in tasks:
        for position in route.positions:
            has_port = position < len(task.ports) and (task.ports[position] > 0 or policy.exact)
            if has_port:
                found.append(Endpoint(task.id, task.host, task.address or "", task.ports[position]))
            else:
                reason = f"has no port at position {position}, it has {len(task.ports)}"
                dropped.append(Dropped(app_id, task.id, route.index, reason))
    found.sort(key=_order)
    owners: dict[tuple[str, int], str] = {}
    for endpoint in found:
        owner = owners.get((endpoint.address, endpoint.port))
        if owner is None or policy.exact:
            owners[endpoint.address, endpoint.port] = endpoint.task_id
            yield endpoint
        else:
            reason = f"task {owner} is at {endpoint.address} port {endpoint.port} too"
            dropped.append(Dropped(app_id, endpoint.task_id, route.index, reason))


def _order(endpoint: Endpoint) -> tuple[str, int, str, str]:
    return endpoint.host, endpoint.port, endpoint.address, endpoint.task_id
