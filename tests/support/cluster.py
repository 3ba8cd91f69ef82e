"""Apps and tasks as nouns, for tests about what is known of a cluster."""

from dataclasses import replace

from milepost.model.snapshot import App, AppDefinition, AppPort, HealthCheck, NetworkMode, Task


def running(task_id: str, host: str = "10.0.0.1", health: tuple[bool, ...] | None = None) -> Task:
    """A running task of a bridge app; its address is known where the host is a literal."""
    return Task(task_id, host, host if host[0].isdigit() else None, (31000,), health=health)


def an_app(app_id: str, *tasks: Task, checks: int = 0) -> App:
    """A bridge app with service port 10000 and so many health checks."""
    definition = AppDefinition(
        app_id,
        labels={"HAPROXY_GROUP": "external"},
        network=NetworkMode.BRIDGE,
        ports=(AppPort(10000, 0),),
        health_checks=(HealthCheck(port_index=0),) * checks,
    )
    return App(definition, tasks, instances=len(tasks))


def equal_copy(app: App) -> App:
    """An equal app that shares nothing that can be told apart with `app`, as the next answer gives it."""
    definition = replace(app.definition, labels=dict(app.definition.labels))
    return replace(app, definition=definition, tasks=tuple(replace(task) for task in app.tasks))
