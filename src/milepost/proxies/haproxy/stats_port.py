"""What marathon-lb answered by Lua on the port of its statistics page (marathon-lb-behaviour.md 6), without any: the
statistics' own section leads these paths to a backend, whose one server is milepost itself at a unix socket.

Who may ask is decided here, by the address that HAProxy sees: no header of a client has a part in it. Pure.
"""

from collections.abc import Iterator

from milepost.proxies.haproxy.config import Profile, Section

BACKEND = "milepost_endpoints"

CONFIG = "/_haproxy_getconfig"
HOSTS = "/_haproxy_getvhostmap"
APPS = "/_haproxy_getappmap"
PIDS = "/_haproxy_getpids"
FETCH = "/_mlb_signal/hup"
RELOAD = "/_mlb_signal/usr1"

_OPEN = (HOSTS, APPS, PIDS)
_GUARDED = (CONFIG, FETCH, RELOAD)
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_REFUSED = "this answers on this machine only; haproxy.stats_trusted names others that may ask"
_SILENT = "milepost does not answer: it is stopped, or has just been started. HAProxy serves what it has"


def endpoint_rules(profile: Profile) -> Iterator[str]:
    """Lines for the statistics' section; none where milepost has no socket for it."""
    if not profile.endpoints_socket:
        return
    trusted = " ".join((*_LOOPBACK, *profile.stats_trusted))
    refusal = f'http-request return status 403 content-type text/plain string "{_REFUSED}"'
    yield f"{refusal} if {{ path {' '.join(_GUARDED)} }} !{{ src {trusted} }}"
    yield f"use_backend {BACKEND} if {{ path {' '.join((*_OPEN, *_GUARDED))} }}"


def endpoint_backend(profile: Profile) -> Iterator[Section]:
    """The way to milepost. A connection for each request: one that is kept may be that of a milepost that has ended."""
    if not (profile.stats_port and profile.endpoints_socket):
        return
    lines = (
        "mode http",
        "retries 0",
        *(f'http-error status {status} content-type text/plain string "{_SILENT}"' for status in (503, 504)),
        f"server milepost unix@{profile.endpoints_socket} pool-max-conn 0",
    )
    yield Section("backend", BACKEND, lines)
