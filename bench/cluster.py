"""The apps of a bench: many, small, without checks; and Marathon's words for them."""

from dataclasses import dataclass, field
from typing import Any

VERSION = "2026-01-01T00:00:00.000Z"
FIRST_SERVICE_PORT = 10_000
TASK_PORT = 31_000
VHOST = "HAPROXY_0_VHOST"
OWN_CHECK = {"protocol": "COMMAND", "command": {"value": "true"}}


def app_id(number: int) -> str:
    return f"/bench/app{number:05d}"


@dataclass(slots=True)
class BenchTask:
    """One task: its id and where it answers."""

    id: str
    host: str
    port: int = TASK_PORT
    state: str = "TASK_RUNNING"
    alive: bool | None = None

    def json(self, app: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "appId": app,
            "host": self.host,
            "ports": [self.port],
            "state": self.state,
            "stagedAt": VERSION,
            "startedAt": VERSION,
            "version": VERSION,
            "ipAddresses": [],
            "healthCheckResults": [] if self.alive is None else [{"alive": self.alive}],
        }


@dataclass(slots=True)
class BenchApp:
    """One app with one service port, in http mode. `checks` are Marathon's own, of which HAProxy knows nothing."""

    number: int
    tasks: list[BenchTask] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return app_id(self.number)

    @property
    def service_port(self) -> int:
        return FIRST_SERVICE_PORT + self.number

    def json(self) -> dict[str, Any]:
        mapping = {
            "containerPort": 80,
            "hostPort": 0,
            "servicePort": self.service_port,
            "protocol": "tcp",
            "labels": {},
        }
        return {
            "id": self.id,
            "instances": len(self.tasks),
            "labels": {"HAPROXY_GROUP": "external", "HAPROXY_0_MODE": "http", **self.labels},
            "networks": [{"mode": "container/bridge"}],
            "container": {"type": "DOCKER", "docker": {"image": "bench"}, "volumes": [], "portMappings": [mapping]},
            "healthChecks": self.checks,
            "version": VERSION,
            "tasksRunning": len(self.tasks),
            "tasksStaged": 0,
            "tasksHealthy": 0,
            "tasksUnhealthy": 0,
            "deployments": [],
            "tasks": [task.json(self.id) for task in self.tasks],
        }


def status_update(app: BenchApp, task: BenchTask, state: str) -> dict[str, Any]:
    """Marathon's status_update_event (marathon-api.md 11.6)."""
    return {
        "slaveId": "bench-S0",
        "taskId": task.id,
        "taskStatus": state,
        "message": "",
        "appId": app.id,
        "host": task.host,
        "ipAddresses": [],
        "ports": [task.port],
        "version": VERSION,
        "eventType": "status_update_event",
        "timestamp": VERSION,
    }


def health_status_changed(app: BenchApp, task: BenchTask) -> dict[str, Any]:
    """Marathon's health_status_changed_event (marathon-api.md 11.6)."""
    return {
        "appId": app.id,
        "taskId": task.id,
        "instanceId": task.id,
        "version": VERSION,
        "alive": task.alive,
        "eventType": "health_status_changed_event",
        "timestamp": VERSION,
    }


def loopback(number: int) -> str:
    """A loopback address of its own for each number from 0 to 64,769."""
    high, low = divmod(number, 254)
    return f"127.77.{high}.{low + 1}"


def make_apps(
    count: int, tasks_each: int, live_apps: int, task_port: int = TASK_PORT, *, is_checked: bool = False
) -> list[BenchApp]:
    """`count` apps; the tasks of the first `live_apps` have an address each, on which the bench answers.

    They do so at `task_port`. The others share few addresses that nobody listens on: they are there for their number.
    Where Marathon checks health (`is_checked`) all tasks are alive.
    """
    apps = []
    for number in range(count):
        tasks = []
        for position in range(tasks_each):
            serial = number * tasks_each + position
            live = number < live_apps
            host = loopback(serial) if live else f"127.78.{serial // 20_000}.1"
            port = task_port if live else 40_000 + serial % 20_000
            tasks.append(BenchTask(f"bench_app{number:05d}.{position}", host, port, alive=True if is_checked else None))
        apps.append(BenchApp(number, tasks, checks=[OWN_CHECK] if is_checked else []))
    return apps


@dataclass(frozen=True, slots=True)
class Shape:
    """What `make_apps` makes, for processes that are to make the same."""

    count: int
    tasks_each: int = 2
    live_apps: int = 0
    task_port: int = TASK_PORT
    is_checked: bool = False

    def made(self) -> list[BenchApp]:
        return make_apps(self.count, self.tasks_each, self.live_apps, self.task_port, is_checked=self.is_checked)
