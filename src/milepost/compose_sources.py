"""The part of the composition root about sources: from settings to what is watched."""

from milepost.controller.merge import Merge
from milepost.errors import SettingsError
from milepost.model.notice import Notify
from milepost.model.snapshot import Snapshot
from milepost.settings.cluster import MarathonCluster
from milepost.settings.values import Settings
from milepost.sources.base import Source
from milepost.sources.marathon.account import read_account
from milepost.sources.marathon.settings import MarathonSettings
from milepost.sources.marathon.source import MarathonSource
from milepost.sources.marathon.source import read_once as read_marathon_once
from milepost.sources.static import NAME as STATIC
from milepost.sources.static import StaticService, StaticSource


def prefixes_of(settings: Settings) -> dict[str, str]:
    """The sources by name, each with what comes before the ids of its apps. Raises SettingsError for none at all."""
    marathons = [marathon_of(cluster, settings) for cluster in settings.sources.marathon]
    clusters = {marathon.source: marathon.prefix for marathon in marathons}
    static = {STATIC: f"{STATIC}:"} if settings.sources.static else {}
    if not clusters and not static:
        raise SettingsError(
            "no Marathon is named: give --marathon URL, MILEPOST_SOURCES_MARATHON_URLS or [[sources.marathon]] urls"
        )
    return clusters | static


def sources_of(settings: Settings, notify: Notify) -> dict[str, Source]:
    """The sources by name, in the order of `prefixes_of`."""
    sources: dict[str, Source] = {}
    for cluster in settings.sources.marathon:
        marathon = marathon_of(cluster, settings)
        sources[marathon.source] = MarathonSource(marathon, notify)
    if settings.sources.static:
        sources[STATIC] = static_of(settings)
    return sources


def static_of(settings: Settings) -> StaticSource:
    """The services that stand in the settings."""
    return StaticSource(
        StaticService(app.id, tuple((at.host, at.port) for at in app.addresses), app.port, app.labels)
        for app in settings.sources.static
    )


async def read_once(settings: Settings) -> Snapshot:
    """What all sources say now. Raises SourceError where one cannot be read, SettingsError where there is none."""
    merge = Merge(prefixes_of(settings))
    for cluster in settings.sources.marathon:
        marathon = marathon_of(cluster, settings)
        merge.take(marathon.source, await read_marathon_once(marathon))
    if settings.sources.static:
        merge.take(STATIC, await static_of(settings).read_once())
    return merge.snapshot(())


async def with_static(seen: Snapshot, settings: Settings) -> Snapshot:
    """`seen`, with the services that stand in the settings beside its apps."""
    if not settings.sources.static:
        return seen
    merge = Merge({seen.source: "", STATIC: f"{STATIC}:"})
    merge.take(seen.source, seen)
    merge.take(STATIC, await static_of(settings).read_once())
    return merge.snapshot(())


def marathon_of(cluster: MarathonCluster, settings: Settings) -> MarathonSettings:
    """One of the clusters that are watched."""
    return MarathonSettings(
        name=cluster.name,
        pods=cluster.pods,
        readiness=settings.routing.readiness,
        urls=cluster.urls,
        user=cluster.user,
        password=cluster.password,
        account=read_account(cluster.dcos_credentials) if cluster.dcos_credentials else None,
        ca_file=cluster.ca_file,
        tls_verify=cluster.tls_verify,
        read_interval_s=cluster.read_interval_s,
    )
