"""A request that the scheduler does not carry out, in the shape in which Marathon says so (marathon-api 7)."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from milepost.errors import MilepostError

Violation = tuple[
    str, str
]  # where in the document ("/healthChecks(0)/portIndex", "/" for the whole), and what is wrong


class Refused(MilepostError):
    """Answered with `status` and `{"message": ..., **more}`; nothing was changed."""

    def __init__(self, status: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body: Mapping[str, Any] = {"message": message, **more}


def invalid(violations: Iterable[Violation], message: str = "Object is not valid") -> Refused:
    """422 with one entry a place."""
    by_path: dict[str, list[str]] = {}
    for path, error in violations:
        by_path.setdefault(path, []).append(error)
    details = [{"path": path, "errors": errors} for path, errors in by_path.items()]
    return Refused(422, message, details=details)


@contextmanager
def violations_of(place: str) -> Iterator[None]:
    """What the block refuses is told as lying at `place` of a larger document."""
    try:
        yield
    except Refused as error:
        details = error.body.get("details")
        if not isinstance(details, list):
            raise
        found = ((each["path"], text) for each in details for text in each["errors"])
        raise invalid([((place + path).rstrip("/"), text) for path, text in found], error.body["message"]) from None


def no_such_app(app_id: str) -> Refused:
    return Refused(404, f"App '{app_id}' does not exist")


LOCK_TEXT = (
    "App is locked by one or more deployments. Override with the option '?force=true'. "
    "View details at '/v2/deployments/<DEPLOYMENT_ID>'."
)


def locked(deployment_ids: Iterable[str]) -> Refused:
    """409 naming the deployments that hold the app (marathon-api 7.3; the placeholder in the text is literal)."""
    return Refused(409, LOCK_TEXT, deployments=[{"id": each} for each in sorted(set(deployment_ids))])
