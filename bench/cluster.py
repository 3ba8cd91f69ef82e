"""The apps of a bench: many, small, without checks; and Marathon's words for them."""

from dataclasses import dataclass, field
from typing import Any

VERSION = "2026-01-01T00:00:00.000Z"
FIRST_SERVICE_PORT = 10_000
TASK_PORT = 31_000
VHOST = "HAPROXY_0_VHOST"


def app_id(number: int) -> str:
    return f"/bench/app{number:05d}"


@dataclass(slots=True)
class BenchTask:
    """One task: its id and where it answers."""

    id: str
    host: str
    port: int = TASK_PORT
    state: str = "TASK_RUNNING"

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
            "healthCheckResults": [],
        }


@dataclass(slots=True)
class BenchApp:
    """One app with one service port, in http mode."""

    number: int
    tasks: list[BenchTask] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

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


def loopback(number: int) -> str:
    """A loopback address of its own for each number from 0 to 64,769."""
    high, low = divmod(number, 254)
    return f"127.77.{high}.{low + 1}"


def shape_of(tasks: int) -> tuple[int, int]:
    """How many apps, and tasks of each, make a cluster of so many tasks: two each, twenty in the largest."""
    tasks_each = 2 if tasks <= 10_000 else 20
    return max(1, tasks // tasks_each), tasks_each


def make_apps(count: int, tasks_each: int, live_apps: int) -> list[BenchApp]:
    """`count` apps; the tasks of the first `live_apps` have an address each, on which the bench answers.

    The others share one address that nobody listens on: they are there for their number.
    """
    apps = []
    for number in range(count):
        tasks = []
        for position in range(tasks_each):
            serial = number * tasks_each + position
            live = number < live_apps
            host = loopback(serial) if live else f"127.78.{serial // 20_000}.1"
            port = TASK_PORT if live else 40_000 + serial % 20_000
            tasks.append(BenchTask(f"bench_app{number:05d}.{position}", host, port))
        apps.append(BenchApp(number, tasks))
    return apps
