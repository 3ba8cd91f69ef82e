"""The only place where concrete parts meet: settings become what each part takes."""

from milepost.errors import SettingsError
from milepost.proxies.haproxy.config import Profile
from milepost.routing.policy import Conflicts, Policy
from milepost.settings.values import Settings
from milepost.sources.marathon.settings import MarathonSettings


def marathon_of(settings: Settings) -> MarathonSettings:
    """The one cluster that is watched. Raises SettingsError where none is named."""
    if not settings.sources.marathon:
        raise SettingsError(
            "no Marathon is named: give --marathon URL, MILEPOST_SOURCES_MARATHON_URLS or [[sources.marathon]] urls"
        )
    (cluster,) = settings.sources.marathon
    return MarathonSettings(
        urls=cluster.urls,
        user=cluster.user,
        password=cluster.password,
        ca_file=cluster.ca_file,
        tls_verify=cluster.tls_verify,
        read_interval_s=cluster.read_interval_s,
    )


def policy_of(settings: Settings) -> Policy:
    """How apps are routed. The listeners of milepost's own and of HAProxy's shared frontends are no app's to have."""
    haproxy, web = settings.haproxy, settings.web.listen
    ours = (haproxy.http_port, haproxy.https_port, haproxy.appid_port, haproxy.stats_port, web.port if web else 0)
    return Policy(
        groups=settings.routing.groups,
        strict=settings.routing.strict,
        health_check=settings.routing.health_check,
        assign_ports=settings.routing.assign_ports,
        reserved_ports=frozenset(ours) - {0},
        conflicts=Conflicts(settings.routing.conflicts),
    )


def profile_of(settings: Settings, version: tuple[int, int], max_files: int) -> Profile:
    """How HAProxy of `version` is written, which may have `max_files` open files."""
    haproxy = settings.haproxy
    return Profile(
        admin_socket=str(settings.admin_socket),
        map_dir=str(settings.state_dir / "maps"),
        max_files=max_files,
        bind=haproxy.bind,
        http_port=haproxy.http_port,
        https_port=haproxy.https_port,
        appid_port=haproxy.appid_port,
        stats_port=haproxy.stats_port,
        certificates=tuple(map(str, haproxy.certificates)),
        log=haproxy.log,
        version=version,
    )
