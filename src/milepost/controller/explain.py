"""Why an app gets traffic, or does not: one chain from what was seen to the server in the proxy. Pure."""

import difflib
from collections.abc import Mapping, Set
from dataclasses import dataclass

from milepost.controller.secrets import shown_labels
from milepost.model.problem import Problem
from milepost.model.routing import Check, Endpoint, RoutingTable, Service
from milepost.model.snapshot import App, AppPort, Snapshot, Task
from milepost.model.source_name import prefix_of
from milepost.routing.grammar import Hosts
from milepost.routing.grammar_hosts import EVERY_HOST, read_hosts
from milepost.routing.labels import VHOST

Live = Mapping[str, Mapping[str, str]]
"""Backend name -> "address:port" -> a word for the server's state. IPv6 addresses stand in brackets."""

NOT_IN_PROXY = "not in the proxy"


@dataclass(frozen=True, slots=True)
class LabelExplained:
    """A label that is milepost's to read. `problem` is "" where all is well."""

    name: str
    value: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PortExplained:
    """One port of the app. `service` is "" where it gets no traffic, `reasons` then says why.

    `listen` is "address:port", "" where no port of its own listens. With a service, `reasons` tells what it
    asked for and did not get (a port or a host that another app holds). `path` holds the words of the PATH label.
    """

    index: int
    service_port: int | None
    service: str = ""
    mode: str = ""
    balance: str = ""
    listen: str = ""
    hosts: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    by_app_id: bool = False
    check: Check | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerExplained:
    """A task's place in one service. `state` is the running proxy's word, "" where it was not asked."""

    service: str
    address: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class TaskExplained:
    """One task as seen, why it was left out (`reasons`), and its servers."""

    id: str
    host: str
    address: str | None
    ports: tuple[int, ...]
    state: str
    health: tuple[bool, ...] | None
    unconfirmed: str
    reasons: tuple[str, ...] = ()
    servers: tuple[ServerExplained, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything known of one app. An app that was not `seen` has only `nearest`: ids that look like it.

    `read_at_s` is the Unix time (seconds) of the last full read. `reasons` concern the app as a whole. `served_as` is
    the id that its services have where a deployment group has it, "" where that is its own.
    """

    app_id: str
    source: str
    read_at_s: float
    seen: bool = True
    nearest: tuple[str, ...] = ()
    selected: bool = False
    served_as: str = ""
    reasons: tuple[str, ...] = ()
    instances: int = 0
    labels: tuple[LabelExplained, ...] = ()
    problems: tuple[Problem, ...] = ()
    ports: tuple[PortExplained, ...] = ()
    tasks: tuple[TaskExplained, ...] = ()


def explain(app_id: str, snapshot: Snapshot, table: RoutingTable, live: Live | None = None) -> Explanation:
    """What became of the app at each stage. `live` is None where no proxy was asked."""
    app = snapshot.apps.get(app_id)
    if app is None:
        nearest = tuple(difflib.get_close_matches(app_id, list(snapshot.apps), n=3, cutoff=0.5))
        return Explanation(app_id, snapshot.source, snapshot.read_at_s, seen=False, nearest=nearest)
    source, read_at_s = _seen_in(app_id, snapshot)
    served_as = table.groups.get(app_id, "")
    services = {service.index: service for service in table.services if service.app_id == (served_as or app_id)}
    problems = _problems({app_id, served_as} - {""}, app, snapshot, table)
    return Explanation(
        app_id=app_id,
        source=source,
        read_at_s=read_at_s,
        selected=bool(services),
        served_as=served_as,
        reasons=_reasons(table, app_id, task_id="", index=None),
        instances=app.instances,
        labels=_labels(app, problems),
        problems=problems,
        ports=tuple(
            _port(index, port, services.get(index), table, app, problems)
            for index, port in enumerate(app.definition.ports)
        ),
        tasks=tuple(_task(task, app_id, table, tuple(services.values()), live) for task in app.tasks),
    )


def _seen_in(app_id: str, snapshot: Snapshot) -> tuple[str, float]:
    """The source that has the app, and when it was last read (Unix time)."""
    prefix = prefix_of(app_id)
    share = next((share for share in snapshot.shares if share.prefix == prefix), snapshot)
    return share.source, share.read_at_s


def unknown_app(explanation: Explanation) -> str:
    """What to say of an app that was not seen."""
    nearest = f"; did you mean {' or '.join(explanation.nearest)}?" if explanation.nearest else ""
    return f"{explanation.source} has no app {explanation.app_id}{nearest}"


def problem_text(problem: Problem) -> str:
    """A problem in one line, for a place where the app is known."""
    return f"{problem.subject}: {problem.message}"


def _problems(app_ids: Set[str], app: App, snapshot: Snapshot, table: RoutingTable) -> tuple[Problem, ...]:
    known = {*snapshot.problems, *app.problems, *table.problems}
    return tuple(sorted(problem for problem in known if problem.app_id in app_ids))


def _labels(app: App, problems: tuple[Problem, ...]) -> tuple[LabelExplained, ...]:
    wrong = {problem.subject: problem.message for problem in problems}
    return tuple(
        LabelExplained(name, value, wrong.get(name, ""))
        for name, value in sorted(shown_labels(app.definition.labels).items())
        if name.startswith("HAPROXY_") or name in wrong
    )


def _port(
    index: int, port: AppPort, service: Service | None, table: RoutingTable, app: App, problems: tuple[Problem, ...]
) -> PortExplained:
    reasons = _reasons(table, app.id, task_id="", index=index)
    if service is None:
        return PortExplained(index, port.service_port, reasons=reasons)
    return PortExplained(
        index=index,
        service_port=port.service_port,
        service=service.name,
        mode=service.mode,
        balance=service.balance,
        listen=f"{service.bind_addr or '*'}:{service.port}" if service.listens else "",
        hosts=service.hosts,
        path=service.path,
        by_app_id=service.serves_app_id,
        check=service.check,
        reasons=(*reasons, *(problem_text(problem) for problem in problems if _is_loss_of(service, problem, app))),
    )


def _is_loss_of(service: Service, problem: Problem, app: App) -> bool:
    """Whether the problem is a port or a host that the service asked for and did not get."""
    kind, _, what = problem.subject.partition(" ")
    if kind == "host":
        return what.partition("/")[0] in _wanted_hosts(service, app)
    return kind == "port" and what == str(service.port)


def _wanted_hosts(service: Service, app: App) -> tuple[str, ...]:
    """As the label was read; without one a path asks for every host."""
    text = app.definition.labels.get(VHOST.key(service.index))
    found = read_hosts(EVERY_HOST if text is None else text)
    return found.names if isinstance(found, Hosts) else ()


def _task(
    task: Task, app_id: str, table: RoutingTable, services: tuple[Service, ...], live: Live | None
) -> TaskExplained:
    servers = tuple(
        _server(service.name, endpoint, live)
        for service in services
        for endpoint in table.endpoints.get(service.name, ())
        if endpoint.task_id == task.id
    )
    return TaskExplained(
        id=task.id,
        host=task.host,
        address=task.address,
        ports=task.ports,
        state=task.state,
        health=task.health,
        unconfirmed=task.unconfirmed,
        reasons=_task_reasons(task, app_id, table),
        servers=servers,
    )


def _task_reasons(task: Task, app_id: str, table: RoutingTable) -> tuple[str, ...]:
    """Each reason once, also where it concerns several ports."""
    reasons = (dropped.reason for dropped in table.dropped.get(app_id, ()) if dropped.task_id == task.id)
    return tuple(dict.fromkeys(reasons))


def _server(service: str, endpoint: Endpoint, live: Live | None) -> ServerExplained:
    if live is None:
        return ServerExplained(service, endpoint.place)
    return ServerExplained(service, endpoint.place, live.get(service, {}).get(endpoint.place, NOT_IN_PROXY))


def _reasons(table: RoutingTable, app_id: str, *, task_id: str, index: int | None) -> tuple[str, ...]:
    return tuple(
        dropped.reason
        for dropped in table.dropped.get(app_id, ())
        if dropped.task_id == task_id and dropped.index == index
    )
