"""Apps for tests, as a source would report them."""

from collections.abc import Mapping

from milepost.model.snapshot import App, AppDefinition, AppPort, Cause, NetworkMode, Snapshot, Task


def task(number: int, *, host: str = "10.0.0.1", state: str = "TASK_RUNNING", app: str = "web") -> Task:
    """A running task at `host`, port 31000 + `number`."""
    return Task(id=f"{app}.{number}", host=host, address=host, ports=(31_000 + number,), state=state)


def app(app_id: str = "/web", *tasks: Task, port: int = 10_000, labels: Mapping[str, str] | None = None) -> App:
    """An app with one service port in bridge mode, in group "external"; `labels` are added to that."""
    named = {"HAPROXY_GROUP": "external", **(labels or {})}
    definition = AppDefinition(app_id, named, NetworkMode.BRIDGE, (AppPort(port, 0),))
    return App(definition, tasks, instances=len(tasks))


def snapshot(*apps: App, heard_at_s: float | None = None) -> Snapshot:
    """A snapshot of `apps`; with `heard_at_s` it has a cause for each."""
    causes = () if heard_at_s is None else tuple(Cause("told by a test", a.id, heard_at_s) for a in apps)
    return Snapshot({a.id: a for a in apps}, source="test", read_at_s=0.0, causes=causes)
