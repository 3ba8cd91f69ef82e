"""Answers in the shapes that Marathon gives them."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from milepost.local.apps.refusal import Refused
from milepost.local.scheduler.changes import Accepted


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`body` as JSON."""
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


def accepted(change: Accepted, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """What a change comes to: its version and its deployment."""
    body = {"version": change.version, "deploymentId": change.deployment_id}
    return answer(body, status, deployment_header(change) | (headers or {}))


def deployment_header(change: Accepted) -> dict[str, str]:
    return {"Marathon-Deployment-Id": change.deployment_id}


async def refusal(_: Request, error: Exception) -> Response:
    """Marathon's shape of an error."""
    assert isinstance(error, Refused)  # noqa: S101  # registered for this class only
    return answer(error.body, error.status)


async def not_kept(_: Request, error: Exception) -> Response:
    """A change that goes on, but of which a restart may not know."""
    return answer({"message": str(error)}, 500)


async def not_found(request: Request, _: Exception) -> Response:
    return answer({"message": f"URI not found: {request.scope['path']}"}, 404)


async def wrong_method(request: Request, _: Exception) -> Response:
    return answer({"message": f"{request.method} is not possible here: {request.scope['path']}"}, 405)
