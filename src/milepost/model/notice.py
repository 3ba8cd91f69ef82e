"""What happened, as values: sources, proxies and the controller tell them, logs and metrics listen.

The name of a notice in a log is its class in snake case (`servers_changed`), its fields are the log's
fields. Durations are float seconds. No field ever holds a secret or the content of a file.
"""

from collections.abc import Callable
from dataclasses import dataclass

from milepost.model.reload import ReloadKind


@dataclass(frozen=True, slots=True)
class Notice:
    """Base of all notices."""


@dataclass(frozen=True, slots=True)
class MilepostStarted(Notice):
    """milepost holds `state_dir` and begins. `proxy_version` is "" where only the proxy's sockets are known."""

    version: str
    proxy: str
    proxy_version: str
    config: str
    state_dir: str
    api: str


@dataclass(frozen=True, slots=True)
class MilepostStopping(Notice):
    """milepost was told to end; `proxy_goes_on` unless it was told to end the proxy as well."""

    proxy: str
    proxy_goes_on: bool


@dataclass(frozen=True, slots=True)
class CertificateUnchecked(Notice):
    """The settings say that nobody checks who answers at `endpoint`: whoever stands in between may read and write."""

    source: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class SourceConnected(Notice):
    """The event stream of `endpoint` (a URL without credentials) is open."""

    source: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class SourceFailed(Notice):
    """A read or the stream failed; the last snapshot stays. The next try comes in `retry_s`."""

    source: str
    endpoint: str
    error: str
    retry_s: float


@dataclass(frozen=True, slots=True)
class SourceRead(Notice):
    """`what` ("all apps" or an app id) was read in `took_s`."""

    source: str
    what: str
    apps: int
    took_s: float


@dataclass(frozen=True, slots=True)
class BadNews(Notice):
    """A task was taken out from an event alone, before any read."""

    app_id: str
    task_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ServersChanged(Notice):
    """Live changes were seen to be applied. `latency_s`: from the oldest cause heard to applied."""

    proxy: str
    apps: tuple[str, ...]
    reasons: tuple[str, ...]
    changes: int
    latency_s: float
    took_s: float


@dataclass(frozen=True, slots=True)
class ProxyReloaded(Notice):
    """A new structure runs, read back. `reasons` say why it had to be a reload, `kinds` of which kinds they are."""

    proxy: str
    reasons: tuple[str, ...]
    took_s: float
    kinds: tuple[ReloadKind, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigurationRefused(Notice):
    """The proxy's check said no; the old configuration serves and stands in the file."""

    proxy: str
    error: str


@dataclass(frozen=True, slots=True)
class ProxyAdopted(Notice):
    """A proxy that already ran was found by its sockets. `reload_needed` tells whether its structure is another."""

    proxy: str
    pid: int
    reload_needed: bool


@dataclass(frozen=True, slots=True)
class ForeignChanges(Notice):
    """Somebody else reloaded the proxy, or changed what runs or a file of it; what differs is mended."""

    proxy: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProxyStarted(Notice):
    """milepost started the proxy: at first, or because it had died."""

    proxy: str
    pid: int
    took_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class CertificateChanged(Notice):
    """The running proxy serves other certificates, without a reload; `change` names the file and the fingerprint."""

    proxy: str
    change: str
    reason: str


@dataclass(frozen=True, slots=True)
class SessionsCut(Notice):
    """`server` takes no traffic for longer than its last sessions may last: they were ended, and it is deleted."""

    proxy: str
    app_id: str
    server: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class OldWorkersSeen(Notice):
    """How many processes that a reload has replaced still finish their sessions, and how old the oldest process is."""

    proxy: str
    count: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class OldWorkerEnded(Notice):
    """There was no room for all `count` of them: the oldest was told to end, or could not be (`error`)."""

    proxy: str
    pid: int
    uptime_s: float
    count: int
    error: str


@dataclass(frozen=True, slots=True)
class DrainSeen(Notice):
    """The proxy tells the world to go elsewhere since `since_s` (Unix time): an operator takes this balancer out."""

    proxy: str
    since_s: float


@dataclass(frozen=True, slots=True)
class DrainEnded(Notice):
    """It was taken back: the proxy is in service again."""

    proxy: str


@dataclass(frozen=True, slots=True)
class ProxyFailed(Notice):
    """The proxy could not be reached, started or changed; the next try comes in `retry_s`."""

    proxy: str
    error: str
    retry_s: float


@dataclass(frozen=True, slots=True)
class HoldersNotKept(Notice):
    """Who holds which port and host could not be written: after a restart a conflict may be decided anew."""

    error: str


@dataclass(frozen=True, slots=True)
class SavedSnapshotServed(Notice):
    """The source is silent since the start: the last snapshot kept before is served, which is `age_s` old.

    `read_at_s` is the Unix time of its last full read.
    """

    source: str
    read_at_s: float
    age_s: float


@dataclass(frozen=True, slots=True)
class SavedSnapshotUnusable(Notice):
    """The snapshot that was kept cannot be read and counts as none."""

    error: str


@dataclass(frozen=True, slots=True)
class SnapshotNotSaved(Notice):
    """The snapshot could not be kept: a start without scheduler would serve an older one, or none."""

    error: str


@dataclass(frozen=True, slots=True)
class RemovalsHeld(Notice):
    """A read would take so many `tasks` out of `serving`: they stay, until a second read says the same, or, with
    `needs_approval`, an operator. `apps` are the first of those concerned.
    """

    tasks: int
    serving: int
    apps: tuple[str, ...]
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class RemovalsReleased(Notice):
    """Nothing is held any more: confirmed by a read, taken back, or let pass by an operator."""

    tasks: int
    by_operator: bool


@dataclass(frozen=True, slots=True)
class ProblemFound(Notice):
    """An owner's mistake came up (`solved` False) or went away (True)."""

    app_id: str
    subject: str
    message: str
    solved: bool


Notify = Callable[[Notice], None]
