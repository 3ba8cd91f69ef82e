"""A web page of somebody else must not steer milepost through the browser of an operator who visits it."""

from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request


def require_same_origin(request: Request) -> None:
    """Refuse (403) what a browser sends for a page of another origin; programs send no Origin and pass.

    Browsers put `Origin` on every cross-origin POST (Fetch standard, "append a request Origin header").
    """
    origin = request.headers.get("origin")
    if origin is None:
        return
    if urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower() or not urlsplit(origin).netloc:
        raise HTTPException(403, "cross-origin requests are refused")
