"""The lines of a service's backend, the same in both profiles (marathon-lb-behaviour.md 12 and 16.3)."""

from milepost.model.routing import Check, Service

HTTP_LINES = (
    "option forwardfor",
    "http-request set-header X-Forwarded-Port %[dst_port]",
    "http-request add-header X-Forwarded-Proto https if { ssl_fc }",
)
STICKY_LINE = "cookie mesosphere_server_id insert indirect nocache"


def backend_lines(service: Service, http_lines: tuple[str, ...] = HTTP_LINES) -> tuple[str, ...]:
    """All lines but the servers, folded."""
    lines = [f"balance {service.balance}", f"mode {service.mode}".rstrip()]
    if service.mode == "http":
        lines += http_lines
    return (*lines, *own_lines(service))


def own_lines(service: Service) -> tuple[str, ...]:
    """Those that only some services have."""
    lines = [STICKY_LINE] if service.sticky else []
    if service.check is not None and service.check.kind == "http":
        lines += (f"option httpchk GET {service.check.path}", f"timeout check {service.check.timeout_s}s")
    return tuple(lines)


def check_words(check: Check | None, port: int | None = None) -> str:
    """What a `server` line says of its check, "" without one; `port` is checked in place of the check's own."""
    if check is None or not check.kind:
        return ""
    checked = check.port if port is None else port
    words = f"check inter {check.interval_s}s fall {check.fall}"
    return words if checked is None else f"{words} port {checked}"
