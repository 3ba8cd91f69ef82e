"""The scheduler's numbers under the names that Marathon has for them since 1.7 (marathon-api 6.15). Pure."""

from milepost.local.scheduler.cluster import KILLING, RUNNING, STAGING, Cluster


def gauges(cluster: Cluster, uptime_s: float) -> dict[str, float]:
    """How many there are of what at this moment."""
    states = [each.state for record in cluster.records.values() for each in record.instances.values()]
    return {
        "marathon.apps.active.gauge": sum(1 for _ in cluster.apps()),
        "marathon.deployments.active.gauge": len(cluster.deployments),
        "marathon.groups.active.gauge": len(cluster.groups) + 1,  # the root is one, too
        "marathon.instances.inflight-kills.gauge": states.count(KILLING),
        "marathon.instances.running.gauge": states.count(RUNNING),
        "marathon.instances.staged.gauge": states.count(STAGING),
        "marathon.leadership.duration.gauge.seconds": round(uptime_s, 3),
        "marathon.pods.active.gauge": 0,
        "marathon.uptime.gauge.seconds": round(uptime_s, 3),
    }


def as_json(found: dict[str, float]) -> dict[str, object]:
    """In Dropwizard's form; kinds of metrics that are not kept are there, and empty."""
    kept = {"gauges": {name: {"value": value} for name, value in found.items()}}
    kinds = ("counters", "histograms", "meters", "timers")
    return {"version": "4.0.0", **kept, **{kind: {} for kind in kinds}}


def as_text(found: dict[str, float]) -> str:
    """In Prometheus' text form, whose names have underscores for dots and dashes."""
    lines: list[str] = []
    for name, value in found.items():
        plain = name.replace(".", "_").replace("-", "_")
        lines += (f"# TYPE {plain} gauge", f"{plain} {value}")
    return "\n".join(lines) + "\n"
