"""The one error shape: `{"error": {"status": 404, "message": "..."}}`, for whatever goes wrong."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from milepost.web.answers import ErrorAnswer, ErrorDetail
from milepost.web.encoding import to_json


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, media_type="application/json")


async def _refused(request: Request, error: HTTPException) -> Response:
    message = error.detail
    if message == HTTPStatus(error.status_code).phrase:  # the framework's own 404 and 405 say no more than that
        message = f"{message}: {request.method} {request.url.path}"
    return json_response(ErrorAnswer(ErrorDetail(error.status_code, message)), error.status_code, error.headers)


async def _broken(request: Request, error: Exception) -> Response:
    """A fault of ours: the log has it in full, whoever asked learns its kind only."""
    message = f"milepost failed on {request.method} {request.url.path} ({type(error).__name__}); its log says more"
    return json_response(ErrorAnswer(ErrorDetail(500, message)), 500)


HANDLERS: Mapping[Any, Any] = {HTTPException: _refused, Exception: _broken}
