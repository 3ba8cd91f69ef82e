"""How an app's tasks do, by what they were started for: the embed `taskStats` (marathon-api 6.2). Pure."""

from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any

from milepost.local.scheduler.cluster import KILLING, RUNNING, STAGING, Instance, Record

Document = dict[str, Any]


def counts(found: Sequence[Instance]) -> dict[str, int]:
    """A task without results of checks is neither healthy nor unhealthy (marathon-api 4.2)."""
    return {
        "staged": sum(each.state == STAGING for each in found),
        "running": sum(each.state == RUNNING for each in found),
        "healthy": sum(each.state == RUNNING and each.healthy is True for each in found),
        "unhealthy": sum(_is_unhealthy(each) for each in found),
    }


def task_stats(record: Record, now_s: float) -> Document:
    """Sets without tasks are left out."""
    if record.definition is None or not record.definition.version_info:
        return {}
    info = record.definition.version_info
    kinds: dict[str, Callable[[str], bool]] = {
        "startedAfterLastScaling": lambda version: version >= info.last_scaling_at,
        "withLatestConfig": lambda version: version >= info.last_config_change_at,
        "withOutdatedConfig": lambda version: version < info.last_config_change_at,
        "totalSummary": lambda version: True,
    }
    active = [each for each in record.instances.values() if each.is_active]
    sets = {kind: [each for each in active if belongs(each.definition.version)] for kind, belongs in kinds.items()}
    return {kind: {"stats": _stats(found, now_s)} for kind, found in sets.items() if found}


def _stats(found: Sequence[Instance], now_s: float) -> Document:
    stats: Document = {"counts": counts(found)}
    ages = [now_s - each.started_at_s for each in found if each.started_at_s is not None]
    if ages:
        stats["lifeTime"] = {"averageSeconds": fmean(ages), "medianSeconds": median(ages)}
    return stats


def _is_unhealthy(instance: Instance) -> bool:
    return instance.state in (RUNNING, KILLING) and any(each and not each.alive for each in instance.results)
