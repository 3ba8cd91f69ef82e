"""Where a Marathon is and how patient to be with it."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from milepost.errors import SettingsError
from milepost.sources.marathon.account import ServiceAccount


@dataclass(frozen=True, slots=True)
class MarathonSettings:
    """One Marathon cluster. Where it has a `name`, that and a colon come before the ids of its apps.

    `urls` are its endpoints, tried in order. A `user:password@` in a URL counts as `user` and `password` and is
    taken out of it; `account` is logged in where there is no user. `ca_file` holds the certificates to trust instead
    of the system's. Durations in seconds:
    `read_timeout_s` limits each answer as a whole, a stream without a byte for `stream_silence_s` is dead, all
    apps are read at least every `read_interval_s`, tries are never further apart than `max_backoff_s`, where no stream
    can be opened than `max_refused_s`, and a stream that lived for `healthy_stream_s` was a good one: its end is no
    further failure in a row.
    `max_answer_bytes` limits an answer, `max_event_bytes` one event: a whole plan (before 1.6) has megabytes.

    With `pods` these are read as well, where this Marathon has any; a read of all apps waits `pods_wait_s` for them.
    With `readiness` an app whose new tasks are asked whether they are ready is read every `readiness_interval_s`.

    Raises SettingsError for a URL that cannot be used.
    """

    urls: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    account: ServiceAccount | None = None
    ca_file: Path | None = None
    tls_verify: bool = True
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 30.0
    stream_silence_s: float = 30.0
    read_interval_s: float = 60.0
    first_backoff_s: float = 0.2
    max_backoff_s: float = 2.0
    max_refused_s: float = 1.0
    healthy_stream_s: float = 2.0
    max_answer_bytes: int = 512 * 1024 * 1024
    max_event_bytes: int = 64 * 1024 * 1024
    name: str = ""
    pods: bool = True
    pods_wait_s: float = 3.0
    readiness: bool = True
    readiness_interval_s: float = 1.0

    def __post_init__(self) -> None:
        if not self.urls:
            raise SettingsError("a Marathon needs at least one URL, like http://marathon:8080")
        parts = [_split(url) for url in self.urls]
        found = {(unquote(part.username or ""), unquote(part.password or "")) for part in parts if part.username}
        if len(found) > 1:
            raise SettingsError("the URLs of one Marathon carry different credentials: give user and password once")
        object.__setattr__(self, "urls", tuple(_bare(part) for part in parts))
        if found and not self.user:
            user, password = found.pop()
            object.__setattr__(self, "user", user)
            object.__setattr__(self, "password", password)

    @property
    def source(self) -> str:
        """The name of the source, in snapshots and notices."""
        return self.name or "marathon"

    @property
    def prefix(self) -> str:
        """What comes before the ids of its apps: `east:`, "" without a name."""
        return f"{self.name}:" if self.name else ""


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        shown = url.rpartition("@")[2]
        raise SettingsError(f"expected a Marathon URL like http://marathon:8080, got {shown!r}")
    return parts


def _bare(parts: SplitResult) -> str:
    """The URL without credentials and without a slash at its end."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
