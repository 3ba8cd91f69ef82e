"""Apps of one deployment group, as `milepost zdd` leaves them."""

from collections.abc import Mapping
from dataclasses import replace

from milepost.model.snapshot import App, HealthCheck
from support.apps import app, task


def colour(
    name: str,
    tasks: int,
    *,
    healthy: int | None = None,
    instances: int | None = None,
    target: int = 3,
    labels: Mapping[str, str] | None = None,
) -> App:
    """`/web-NAME` with so many running tasks. Green began later than blue, red last of all."""
    day = ["blue", "green", "red"].index(name) + 1
    written = {
        "HAPROXY_DEPLOYMENT_GROUP": "web",
        "HAPROXY_DEPLOYMENT_STARTED_AT": f"2026-01-0{day}T12:00:00",
        "HAPROXY_DEPLOYMENT_NEW_INSTANCES": "0",
        "HAPROXY_DEPLOYMENT_TARGET_INSTANCES": str(target),
        "HAPROXY_0_PORT": "10000",
        **(labels or {}),
    }
    alive = tasks if healthy is None else healthy
    made = [
        replace(task(number, host=f"10.0.{day}.1", app=f"web-{name}"), health=(number < alive,))
        for number in range(tasks)
    ]
    found = app(f"/web-{name}", *made, port=10_000 + day, labels=written)
    return replace(
        found,
        definition=replace(found.definition, health_checks=(HealthCheck(port_index=0),)),
        instances=tasks if instances is None else instances,
        last_scaling_at=f"2026-01-0{day}T12:00:00.000Z",
    )


def without(app: App, *names: str) -> App:
    labels = {name: text for name, text in app.definition.labels.items() if name.partition("_")[2] not in names}
    return replace(app, definition=replace(app.definition, labels=labels))


def scaled(app: App, day: int) -> App:
    return replace(app, last_scaling_at=f"2026-02-0{day}T12:00:00.000Z")
