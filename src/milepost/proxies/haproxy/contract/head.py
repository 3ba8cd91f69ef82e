"""The head of marathon-lb's configuration: what it wrote whatever the apps (marathon-lb-behaviour.md 16.2)."""

from collections.abc import Iterable, Mapping

_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA256:"
    "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:DHE-RSA-AES128-SHA256:"
    "DHE-RSA-AES256-SHA256:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:!aNULL:!MD5:!DSS"
)
_TLS_OPTIONS = "no-sslv3 no-tlsv10 no-tls-tickets"

_GLOBAL = (
    "log /dev/log local0",
    "log /dev/log local1 notice",
    "spread-checks 5",
    "max-spread-checks 15000",
    "maxconn 50000",
    "tune.ssl.default-dh-param 2048",
    f"ssl-default-bind-ciphers {_CIPHERS}",
    f"ssl-default-bind-options {_TLS_OPTIONS}",
    f"ssl-default-server-ciphers {_CIPHERS}",
    f"ssl-default-server-options {_TLS_OPTIONS}",
    "stats socket /var/run/haproxy/socket expose-fd listeners",
    "server-state-file global",
    "server-state-base /var/state/haproxy/",
    *(f"lua-load /marathon-lb/{script}.lua" for script in ("getpids", "getconfig", "getmaps", "signalmlb")),
)

_DEFAULTS = (
    "load-server-state-from-file global",
    "log global",
    "retries 3",
    "backlog 10000",
    "maxconn 10000",
    "timeout connect 3s",
    "timeout client 30s",
    "timeout server 30s",
    "timeout tunnel 3600s",
    "timeout http-keep-alive 1s",
    "timeout http-request 15s",
    "timeout queue 30s",
    "timeout tarpit 60s",
)

_SERVICES = (
    ("getpid", "/_haproxy_getpids", "lua.getpids"),
    ("getvhostmap", "/_haproxy_getvhostmap", "lua.getvhostmap"),
    ("getappmap", "/_haproxy_getappmap", "lua.getappmap"),
    ("getconfig", "/_haproxy_getconfig", "lua.getconfig"),
    ("signalmlbhup", "/_mlb_signal/hup", "lua.signalmlbhup"),
    ("signalmlbusr1", "/_mlb_signal/usr1", "lua.signalmlbusr1"),
)

_STATS = (
    "bind 0.0.0.0:9090",
    "balance",
    "mode http",
    "stats enable",
    "http-request use-service prometheus-exporter if { path /metrics }",
    "monitor-uri /_haproxy_health_check",
    *(
        line
        for name, path, service in _SERVICES
        for line in (f"acl {name} path {path}", f"http-request use-service {service} if {name}")
    ),
)

USUAL: Mapping[str, tuple[str, ...]] = {"global": _GLOBAL, "defaults": _DEFAULTS, "listen stats": _STATS}
"""The lines by the headings of their sections, but for the `option`s of defaults."""


def head_text(template: str | None, options: Iterable[str]) -> str:
    """The operator's `template` as it is, else the usual text with these `option`s of its defaults."""
    if template is not None:
        return template
    names = sorted({option.strip() for option in options} - {""})
    sections = {**USUAL, "defaults": (*USUAL["defaults"], *(f"option {name}" for name in names))}
    texts = ("\n  ".join((heading, *lines)) for heading, lines in sections.items())
    return "\n".join((*texts, ""))
