"""Which tasks of an app serve, and where: the part of routing that changes with every task."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from milepost.model.problem import Problem, Severity
from milepost.model.routing import Dropped, Endpoint
from milepost.model.snapshot import App, NetworkMode, Task
from milepost.routing.checked_port import CheckedPort, checked_by_rank
from milepost.routing.labels import BACKEND_HEALTHCHECK_PORT_INDEX
from milepost.routing.owners import ENDED, UNCONTESTED, Owned, places
from milepost.routing.policy import Policy

_NOT_SERVING = ENDED | {"TASK_STAGING", "TASK_STARTING", "TASK_KILLING"}


@dataclass(frozen=True, slots=True)
class Route:
    """Which ports of a task feed a service: their positions in `Task.ports`. `index` is the app's own port.

    `healthy_share` is as in `Policy`, for this service. `checked_port` is None where a task's own port is checked.
    """

    service: str
    index: int
    positions: tuple[int, ...]
    healthy_share: float = 0.0
    checked_port: CheckedPort | None = None


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
    verdicts = [
        _Verdict(task, taken := _taken_by(task, owned), taken or why_not(task, app, policy)) for task in app.tasks
    ]
    choices = {share: _chosen(verdicts, app, policy, share) for share in {route.healthy_share for route in routes}}
    placed: list[tuple[str, tuple[Endpoint, ...]]] = []
    dropped: list[Dropped] = []
    for route in routes:
        choice = choices[route.healthy_share]
        index = route.index if len(choices) > 1 else None  # one choice is about every port of the app
        dropped += [Dropped(app.id, task.id, index, reason) for task, reason in choice.left_out]
        placed.append((route.service, tuple(_endpoints(app.id, choice.serving, route, dropped, policy))))
    problems = tuple(problem for choice in choices.values() for problem in choice.problems)
    placement = Placement(tuple(placed), tuple(dict.fromkeys(dropped)), problems)
    if policy.exact and any(route.checked_port for route in routes):
        return _checked_by_rank(app, routes, placement, choices[routes[0].healthy_share].serving, policy)
    return placement


def _checked_by_rank(
    app: App, routes: tuple[Route, ...], placement: Placement, serving: list[Task], policy: Policy
) -> Placement:
    """marathon-lb's way to the port that is checked; its app is left out where that stopped."""
    placed: list[tuple[str, tuple[Endpoint, ...]]] = []
    for route, (name, endpoints) in zip(routes, placement.endpoints, strict=True):
        found: tuple[Endpoint, ...] | None = endpoints
        if route.checked_port is not None:
            of_app = [Route("", route.index, positions) for positions in route.checked_port.ports]
            pools = [pool for one in of_app if (pool := tuple(_endpoints(app.id, serving, one, [], policy)))]
            found = checked_by_rank(endpoints, route.checked_port.index, pools)
        if found is None:
            key = BACKEND_HEALTHCHECK_PORT_INDEX.key(route.index)
            message = f"expected the index of one of the app's {len(pools)} ports, which are counted from 0"
            nobody = tuple((route.service, ()) for route in routes)
            return Placement(nobody, placement.dropped, (Problem(app.id, key, f"{message}; the app is left out"),))
        placed.append((name, found))
    return replace(placement, endpoints=tuple(placed))


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What speaks against a task: `reason`, "" for nothing; `taken` where that is that another one has its place."""

    task: Task
    taken: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Choice:
    """The tasks that serve by one `healthy_share`, and why the others do not."""

    serving: list[Task]
    left_out: list[tuple[Task, str]]
    problems: tuple[Problem, ...]


def _chosen(verdicts: list[_Verdict], app: App, policy: Policy, share: float) -> _Choice:
    spared = _spared(verdicts, app, policy, share)
    if spared or policy.exact or not all(one.reason for one in verdicts):
        going_on = spared
    else:
        going_on = frozenset(one.task.id for one in verdicts if not one.taken and is_last_resort(one.task, app, policy))
    serving = [one.task for one in verdicts if not one.reason or one.task.id in going_on]
    left_out = [(one.task, one.reason) for one in verdicts if one.reason and one.task.id not in going_on]
    return _Choice(serving, left_out, _half_ill(app, len(serving), spared, share) if spared else ())


def _spared(verdicts: list[_Verdict], app: App, policy: Policy, share: float) -> frozenset[str]:
    """Tasks that run but are not alive any more, and serve on: too few of those that were ever alive still are.

    When most fail at once it is more often the check, or what all of them need, and none at all serves no one. A task
    that was never alive is no part of it: a deployment that does not come up leaves the old ones as they are.
    """
    if policy.exact or not policy.health_check or not app.definition.health_checks:
        return frozenset()
    alive = sum(not one.reason for one in verdicts)
    ill = [one.task.id for one in verdicts if one.reason and not one.taken and _is_only_ill(one.task, app, policy)]
    return frozenset(ill) if alive < share * (alive + len(ill)) else frozenset()


def _is_only_ill(task: Task, app: App, policy: Policy) -> bool:
    return task.has_been_alive and not why_not(replace(task, health=(True,)), app, policy)


def _half_ill(app: App, serving: int, spared: frozenset[str], share: float) -> tuple[Problem, ...]:
    message = (
        f"{serving - len(spared)} of {serving} tasks that were alive still are, less than {share:.0%}: "
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
    if task.is_ready is False and policy.readiness and not policy.exact:
        return "is not ready yet, by its readiness check"
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
        for number, position in enumerate(route.positions):
            has_port = position < len(task.ports) and (task.ports[position] > 0 or policy.exact)
            if has_port:
                checked = None if route.checked_port is None else route.checked_port.of_task(task, number)
                found.append(Endpoint(task.id, task.host, task.address or "", task.ports[position], checked))
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
