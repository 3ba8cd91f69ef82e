"""An app as a request wants to see it."""

import time
from collections.abc import Set

from milepost.local.scheduler import render
from milepost.local.scheduler.cluster import Cluster, Record
from milepost.local.scheduler.task_stats import task_stats


def shown(cluster: Cluster, record: Record, embeds: Set[str]) -> render.Document:
    """With what `embeds` names: all that `render.app` knows, and "taskStats", which depends on the time."""
    document = render.app(cluster, record, embeds)
    if "taskStats" in embeds:
        document["taskStats"] = task_stats(record, time.time())
    return document
