"""Readiness checks: what a deployment asks the tasks that it started (marathon-api 5.6)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from milepost.local.apps.definition import Definition
    from milepost.local.apps.refusal import Violation


class ReadinessCheck(Struct, frozen=True, kw_only=True, rename="camel"):
    """Times in seconds. `port_name` names one of the app's ports."""

    name: str = "readinessCheck"
    protocol: str = "HTTP"
    path: str = "/"
    port_name: str = "http-api"
    interval_seconds: float = 30
    timeout_seconds: float = 10
    http_status_codes_for_ready: tuple[int, ...] = (200,)
    preserve_last_response: bool = False


def readiness_violations(app: "Definition") -> Iterator["Violation"]:
    checks = app.readiness_checks or ()
    if len(checks) > 1:
        yield "/readinessChecks", "must have at most one element"
    for index, check in enumerate(checks):
        where = f"/readinessChecks({index})"
        if check.protocol not in ("HTTP", "HTTPS"):
            yield f"{where}/protocol", "must be one of HTTP, HTTPS"
        if check.port_name not in app.port_names:
            yield f"{where}/portName", f"No port definition reference for portName {check.port_name}"
        for name, seconds in (("intervalSeconds", check.interval_seconds), ("timeoutSeconds", check.timeout_seconds)):
            if seconds < 0:
                yield f"{where}/{name}", f"got {seconds}, expected 0 or more"
        if check.timeout_seconds >= check.interval_seconds:
            yield f"{where}/timeoutSeconds", "must be less than intervalSeconds"
        if not check.http_status_codes_for_ready:
            yield f"{where}/httpStatusCodesForReady", "must not be empty"
