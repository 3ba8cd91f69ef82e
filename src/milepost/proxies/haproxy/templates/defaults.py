"""The default text of each template, but for HEAD (marathon-lb-behaviour.md 16.2, 16.3, modern forms from 20)."""

from collections.abc import Iterable, Mapping

from milepost.proxies.haproxy.templates.template import Template

_CHECK = (
    "healthCheckPortIndex healthCheckPort healthCheckProtocol healthCheckPath healthCheckTimeoutSeconds "
    "healthCheckIntervalSeconds healthCheckGracePeriodSeconds healthCheckMaxConsecutiveFailures healthCheckFalls "
    "healthCheckPortOptions healthCheck"
)
_HOST = "cleanedUpHostname hostname appId backend realm path"


def _template(name: str, placeholders: str, *lines: str) -> Template:
    return Template(name, _text(lines), frozenset(placeholders.split()))


def _literal(name: str, *lines: str) -> Template:
    return Template(name, _text(lines), is_literal=True)


def _text(lines: Iterable[str]) -> str:
    """A section begins with an empty line, other lines are indented by two blanks."""
    starts = ("frontend ", "backend ", "userlist ")
    return "".join(f"\n{line}\n" if line.startswith(starts) else f"  {line}\n" for line in lines)


_AUTH_ACL = "acl auth_{cleanedUpHostname} http_auth(user_{backend})"
_HOST_ACL = "acl host_{cleanedUpHostname} hdr(host) -i {hostname}"
_PATH_ACL = "acl path_{backend} path_beg {path}"
_ASK = 'http-request auth realm "{{realm}}" if {0} !auth_{{cleanedUpHostname}}'
_ASK_HOST = _ASK.format("host_{cleanedUpHostname}")
_ASK_HOST_PATH = _ASK.format("host_{cleanedUpHostname} path_{backend}")
_ASK_SNI = _ASK.format("{{ ssl_fc_sni {hostname} }}")
_ASK_SNI_PATH = _ASK.format("{{ ssl_fc_sni {hostname} }} path_{backend}")
_USE_HOST = "use_backend {backend} if host_{cleanedUpHostname}"
_USE_HOST_PATH = "use_backend {backend} if host_{cleanedUpHostname} path_{backend}"
_USE_SNI = "use_backend {backend} if {{ ssl_fc_sni {hostname} }}"
_USE_SNI_PATH = "use_backend {backend} if {{ ssl_fc_sni {hostname} }} path_{backend}"
_HOST_IN_MAP = "use_backend %[req.hdr(host),lower,regsub(:.*$,,),map({haproxy_dir}/domain2backend.map)]"

GLOBAL = (
    _literal("HTTP_FRONTEND_HEAD", "frontend marathon_http_in", "bind *:80", "mode http"),
    _literal("HTTP_FRONTEND_APPID_HEAD", "frontend marathon_http_appid_in", "bind *:9091", "mode http"),
    _template(
        "HTTPS_FRONTEND_HEAD", "sslCerts", "frontend marathon_https_in", "bind *:443 ssl {sslCerts}", "mode http"
    ),
    _literal(
        "HTTPS_GROUPED_FRONTEND_HEAD",
        "frontend marathon_https_in",
        "bind *:443",
        "mode tcp",
        "tcp-request inspect-delay 5s",
        "tcp-request content accept if { req_ssl_hello_type 1 }",
    ),
    _template(
        "HTTPS_GROUPED_VHOST_FRONTEND_ACL", "backend host", "use_backend {backend} if {{ req_ssl_sni -i {host} }}"
    ),
    _template(
        "HTTPS_GROUPED_VHOST_BACKEND_HEAD",
        "name",
        "backend {name}",
        "server loopback-for-tls abns@{name} send-proxy-v2",
    ),
    _template(
        "HTTPS_GROUPED_VHOST_FRONTEND_HEAD",
        "name sslCerts bindOpts",
        "frontend {name}",
        "mode http",
        "bind abns@{name} accept-proxy ssl {sslCerts}{bindOpts}",
    ),
    _literal("HTTP_BACKEND_ACL_ALLOW_DENY", "http-request allow if network_allowed", "http-request deny"),
    _literal(
        "TCP_BACKEND_ACL_ALLOW_DENY", "tcp-request content accept if network_allowed", "tcp-request content reject"
    ),
)
"""Those that an operator may replace, not an app's owner."""

OF_APPS = (
    _template("USERLIST_HEAD", "backend user passwd", "userlist user_{backend}", "user {user} password {passwd}"),
    _template(
        "FRONTEND_HEAD",
        "bindAddr backend servicePort mode sslCert bindOptions",
        "frontend {backend}",
        "bind {bindAddr}:{servicePort}{sslCert}{bindOptions}",
        "mode {mode}",
    ),
    _template("FRONTEND_BACKEND_GLUE", "backend", "use_backend {backend}"),
    _template("BACKEND_HEAD", "backend balance mode", "backend {backend}", "balance {balance}", "mode {mode}"),
    _literal("BACKEND_HSTS_OPTIONS", "http-response add-header Strict-Transport-Security max-age=15768000"),
    _literal(
        "BACKEND_HTTP_OPTIONS",
        "option forwardfor",
        "http-request set-header X-Forwarded-Port %[dst_port]",
        "http-request add-header X-Forwarded-Proto https if { ssl_fc }",
    ),
    _template(
        "HTTP_BACKEND_PROXYPASS_GLUE",
        "hostname proxypath",
        "http-request set-header Host {hostname}",
        "http-request replace-path (?i)^{proxypath}/?(.*) /\\1",
    ),
    _template(
        "HTTP_BACKEND_REVPROXY_GLUE",
        "hostname rootpath",
        "acl hdr_location res.hdr(Location) -m found",
        "http-response replace-header Location (?i)^(https?://{hostname}(:[0-9]+)?)?(/.*) {rootpath} if hdr_location",
    ),
    _template(
        "HTTP_BACKEND_REDIR",
        "hostname redirpath",
        "acl is_root path -i /",
        "acl is_domain hdr(host) -i {hostname}",
        "redirect code 301 location {redirpath} if is_domain is_root",
    ),
    _template("HTTP_BACKEND_NETWORK_ALLOWED_ACL", "network_allowed", "acl network_allowed src {network_allowed}"),
    _template("TCP_BACKEND_NETWORK_ALLOWED_ACL", "network_allowed", "acl network_allowed src {network_allowed}"),
    _literal("BACKEND_STICKY_OPTIONS", "cookie mesosphere_server_id insert indirect nocache"),
    _template(
        "BACKEND_HTTP_HEALTHCHECK_OPTIONS",
        _CHECK,
        "option httpchk GET {healthCheckPath}",
        "timeout check {healthCheckTimeoutSeconds}s",
    ),
    _template("BACKEND_TCP_HEALTHCHECK_OPTIONS", _CHECK),
    _template(
        "BACKEND_SERVER_OPTIONS",
        "serverName host host_ipv4 port serverId cookieOptions healthCheckOptions otherOptions",
        "server {serverName} {host_ipv4}:{port} id {serverId}{cookieOptions}{healthCheckOptions}{otherOptions}",
    ),
    _template(
        "BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS",
        _CHECK,
        "check inter {healthCheckIntervalSeconds}s fall {healthCheckFalls}{healthCheckPortOptions}",
    ),
    _template(
        "BACKEND_SERVER_TCP_HEALTHCHECK_OPTIONS",
        _CHECK,
        "check inter {healthCheckIntervalSeconds}s fall {healthCheckFalls}{healthCheckPortOptions}",
    ),
    _template(
        "BACKEND_REDIRECT_HTTP_TO_HTTPS",
        f"bindAddr {_HOST}",
        "redirect scheme https code 301 if !{{ ssl_fc }} host_{cleanedUpHostname}",
    ),
    _template(
        "BACKEND_REDIRECT_HTTP_TO_HTTPS_WITH_PATH",
        f"bindAddr {_HOST}",
        "redirect scheme https code 301 if !{{ ssl_fc }} host_{cleanedUpHostname} path_{backend}",
    ),
    _template("HTTP_FRONTEND_ACL", _HOST, _HOST_ACL, _USE_HOST),
    _template("HTTP_FRONTEND_ACL_ONLY", _HOST, _HOST_ACL),
    _template("HTTP_FRONTEND_ROUTING_ONLY", _HOST, _USE_HOST),
    _template("HTTP_FRONTEND_ACL_WITH_AUTH", _HOST, _HOST_ACL, _AUTH_ACL, _ASK_HOST, _USE_HOST),
    _template("HTTP_FRONTEND_ROUTING_ONLY_WITH_AUTH", _HOST, _AUTH_ACL, _ASK_HOST, _USE_HOST),
    _template("HTTP_FRONTEND_ACL_WITH_PATH", _HOST, _HOST_ACL, _PATH_ACL, _USE_HOST_PATH),
    _template(
        "HTTP_FRONTEND_ACL_WITH_AUTH_AND_PATH", _HOST, _HOST_ACL, _AUTH_ACL, _PATH_ACL, _ASK_HOST_PATH, _USE_HOST_PATH
    ),
    _template("HTTP_FRONTEND_ACL_ONLY_WITH_PATH", _HOST, _PATH_ACL),
    _template("HTTP_FRONTEND_ACL_ONLY_WITH_PATH_AND_AUTH", _HOST, _PATH_ACL, _AUTH_ACL),
    _template("HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH", _HOST, _USE_HOST_PATH),
    _template("HTTP_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH", _HOST, _ASK_HOST_PATH, _USE_HOST_PATH),
    _template(
        "HTTP_FRONTEND_APPID_ACL",
        "cleanedUpAppId hostname appId backend",
        "acl app_{cleanedUpAppId} hdr(x-marathon-app-id) -i {appId}",
        "use_backend {backend} if app_{cleanedUpAppId}",
    ),
    _template("HTTPS_FRONTEND_ACL", _HOST, _USE_SNI),
    _template("HTTPS_FRONTEND_ACL_WITH_AUTH", _HOST, _AUTH_ACL, _ASK_SNI, _USE_SNI),
    _template("HTTPS_FRONTEND_ACL_WITH_PATH", _HOST, _USE_SNI_PATH),
    _template("HTTPS_FRONTEND_ACL_WITH_AUTH_AND_PATH", _HOST, _AUTH_ACL, _ASK_SNI_PATH, _USE_SNI_PATH),
    _template("HTTPS_FRONTEND_ACL_ONLY_WITH_PATH", _HOST, _PATH_ACL),
    _template("MAP_HTTP_FRONTEND_ACL", "haproxy_dir", _HOST_IN_MAP),
    _template("MAP_HTTP_FRONTEND_ACL_ONLY", "haproxy_dir", _HOST_IN_MAP),
    _template(
        "MAP_HTTPS_FRONTEND_ACL",
        "haproxy_dir hostname",
        "use_backend %[ssl_fc_sni,lower,map({haproxy_dir}/domain2backend.map)]",
    ),
    _template(
        "MAP_HTTP_FRONTEND_APPID_ACL",
        "haproxy_dir",
        "use_backend %[req.hdr(x-marathon-app-id),lower,map({haproxy_dir}/app2backend.map)]",
    ),
)
"""Those that an app's owner may replace by a label too."""

UNUSED = (
    "HTTPS_FRONTEND_AUTH_ACL_ONLY",
    "HTTPS_FRONTEND_AUTH_REQUEST_ONLY",
    "HTTPS_FRONTEND_ROUTING_ONLY_WITH_PATH_AND_AUTH",
)
"""Documented by marathon-lb and never written: accepted, without effect."""

BY_NAME: Mapping[str, Template] = {template.name: template for template in (*GLOBAL, *OF_APPS)}
