"""How the servers of a backend are checked: marathon-lb's lines for it (marathon-lb-behaviour.md 11.2 and 16.3)."""

from milepost.model.routing import Check, Endpoint, Service
from milepost.proxies.haproxy.contract.texts import Texts

_KIND = {"http": "HTTP", "tcp": "TCP"}


def backend_check(service: Service, first: Endpoint, texts: Texts) -> str:
    """The lines before the servers. Their templates see the port of the first server, not the check's own."""
    if service.check is None or service.check.kind not in _KIND:
        return ""
    port = first.port if first.check_port is None else first.check_port
    name = f"BACKEND_{_KIND[service.check.kind]}_HEALTHCHECK_OPTIONS"
    return texts.of(service, name, _values(service.check, port, f" port {port}"))


def server_check(service: Service, endpoint: Endpoint, texts: Texts) -> str:
    """What a `server` line says of its check, with a blank before it; "" for none."""
    if service.check is None or service.check.kind not in _KIND:
        return ""
    port = service.check.port if endpoint.check_port is None else endpoint.check_port
    options = "" if port is None else f" port {port}"
    name = f"BACKEND_SERVER_{_KIND[service.check.kind]}_HEALTHCHECK_OPTIONS"
    words = texts.of(service, name, _values(service.check, port, options)).strip()
    return f" {words}" if words else ""


def _values(check: Check, port: int | None, options: str) -> dict[str, object]:
    asked = check.asked
    values = {
        "healthCheckPortIndex": asked and asked.port_index,
        "healthCheckPort": port,
        "healthCheckProtocol": asked and asked.protocol,
        "healthCheckPath": check.path,
        "healthCheckTimeoutSeconds": check.timeout_s,
        "healthCheckIntervalSeconds": check.interval_s,
        "healthCheckGracePeriodSeconds": asked and asked.grace_period_s,
        "healthCheckMaxConsecutiveFailures": check.fall - 1,
        "healthCheckFalls": check.fall,
        "healthCheckPortOptions": options,
    }
    return {**values, "healthCheck": {name.removeprefix("healthCheck"): value for name, value in values.items()}}
