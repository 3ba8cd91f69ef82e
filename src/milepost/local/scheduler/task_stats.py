"""How the tasks of an app are, by what they have of its latest change (marathon-api 6.2)."""

import statistics
from collections.abc import Sequence

from milepost.local.apps.definition import VersionInfo
from milepost.local.scheduler.cluster import Instance, Record
from milepost.local.scheduler.render import Document, counts


def task_stats(record: Record, now_s: float) -> Document:
    """Groups without tasks are left out. A task belongs to a group by the version that it was started with."""
    tasks = [each for each in record.instances.values() if each.state]
    info = record.definition.version_info if record.definition else None
    last = info if isinstance(info, VersionInfo) else VersionInfo("", "")
    groups = {
        "startedAfterLastScaling": [each for each in tasks if each.definition.version >= last.last_scaling_at],
        "withLatestConfig": [each for each in tasks if each.definition.version >= last.last_config_change_at],
        "withOutdatedConfig": [each for each in tasks if each.definition.version < last.last_config_change_at],
        "totalSummary": tasks,
    }
    return {name: {"stats": _stats(found, now_s)} for name, found in groups.items() if found}


def _stats(tasks: Sequence[Instance], now_s: float) -> Document:
    staged, running, healthy, unhealthy = counts(tasks)
    document: Document = {"counts": {"staged": staged, "running": running, "healthy": healthy, "unhealthy": unhealthy}}
    ages_s = [now_s - each.started_at_s for each in tasks if each.is_active and each.started_at_s is not None]
    if ages_s:
        document["lifeTime"] = {"averageSeconds": statistics.fmean(ages_s), "medianSeconds": statistics.median(ages_s)}
    return document
