"""What stands for the placeholders of a service's templates (marathon-lb-behaviour.md 16.3).

All of a service's values are offered to each of its templates, so that none is refused in one combination of labels
and taken in another.
"""

from collections.abc import Mapping

from milepost.model.routing import Check, Endpoint, Service
from milepost.proxies.haproxy.names import acl_name, cleaned


def service_values(service: Service) -> Mapping[str, str]:
    """Those that hold for the whole service. Of several hosts `{hostname}` is the first."""
    host = service.hosts[0] if service.hosts else ""
    auth, binding, rewrites = service.auth, service.binding, service.rewrites
    return {
        "appId": service.app_id,
        "backend": service.name,
        "balance": service.balance,
        "bindAddr": service.bind_addr or "*",
        "bindOptions": f" {binding.options}" if binding.options else "",
        "cleanedUpAppId": cleaned(service.app_id),
        "cleanedUpHostname": acl_name(service) if service.hosts else "",
        "hostname": hostname_of(host),
        "mode": service.mode,
        "passwd": auth.password if auth else "",
        "path": " ".join(service.path),
        "proxypath": rewrites.proxypass_path,
        "realm": auth.realm if auth else "",
        "redirpath": rewrites.root_redirect,
        "rootpath": rewrites.revproxy_path,
        "servicePort": str(service.port),
        "sslCert": f" ssl crt {binding.certificate}" if binding.certificate else "",
        "user": auth.user if auth else "",
        **check_values(service.check, service.index),
    }


def hostname_of(host: str) -> str:
    """What `{hostname}` is for a host: of an expression the whole one, as an owner's `hdr_reg` takes it."""
    return f"^({host[1:]})$" if host.startswith("~") else host


def check_values(check: Check | None, index: int, checked_port: int | None = None) -> Mapping[str, str]:
    """Those of its health check; `checked_port` is that of one server, where it has one of its own.

    What is not known of it is `None`, as marathon-lb wrote it.
    """
    if check is None:
        return dict.fromkeys(_OF_CHECKS, "None") | {"healthCheckPortOptions": ""}
    known = check.port if checked_port is None else checked_port
    port = "" if known is None else str(known)
    asked = check.asked
    return {
        "healthCheck": check.kind,
        "healthCheckFalls": str(check.fall),
        "healthCheckGracePeriodSeconds": "None" if asked is None else str(asked.grace_period_s),
        "healthCheckIntervalSeconds": str(check.interval_s),
        "healthCheckMaxConsecutiveFailures": str(check.fall - 1),
        "healthCheckPath": check.path,
        "healthCheckPort": port or "None",
        "healthCheckPortIndex": str(index),
        "healthCheckPortOptions": f" port {port}" if port else "",
        "healthCheckProtocol": check.kind.upper() if asked is None else asked.protocol,
        "healthCheckTimeoutSeconds": str(check.timeout_s),
    }


_OF_CHECKS = (
    "healthCheck",
    "healthCheckFalls",
    "healthCheckGracePeriodSeconds",
    "healthCheckIntervalSeconds",
    "healthCheckMaxConsecutiveFailures",
    "healthCheckPath",
    "healthCheckPort",
    "healthCheckPortIndex",
    "healthCheckPortOptions",
    "healthCheckProtocol",
    "healthCheckTimeoutSeconds",
)


def server_values(name: str, endpoint: Endpoint, server_id: int, cookie: str, check: str) -> Mapping[str, str]:
    """Those of one server. `cookie` is "" where its service is not sticky, `check` where it is not checked."""
    return {
        "cookieOptions": f" check cookie {cookie}" if cookie else "",
        "healthCheckOptions": f" {check}" if check else "",
        "host": endpoint.host,
        "host_ipv4": endpoint.address,
        "otherOptions": "",
        "port": str(endpoint.port),
        "serverId": str(server_id),
        "serverName": name,
    }
