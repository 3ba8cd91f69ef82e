"""Reading requests the way Marathon does."""

from collections.abc import Iterable

import msgspec
from starlette.requests import ClientDisconnect, Request

from milepost.local.apps.refusal import Refused
from milepost.local.scheduler.timestamp import read, written

MAX_BODY = 16 << 20  # bytes
MAX_DEPTH = 100  # lists and objects within each other; readers and writers of JSON are recursive


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """A boolean of the query: "true" in any case is true, anything else that is given is false."""
    given = request.query_params.get(name)
    return default if given is None else given.lower() == "true"


def embeds(request: Request) -> set[str]:
    """What `embed` asks for, without the prefixes that it may carry."""
    return {each.rpartition("apps.")[2].rpartition("app.")[2] for each in request.query_params.getlist("embed")}


async def json_body(request: Request) -> object:
    """The decoded body, whatever content type it claims. Raises Refused: 400 for what is not JSON, 413 for too much."""
    data = await _body(request)
    if not data.strip():
        raise Refused(
            400,
            "Please specify data in JSON format",
            details="No content to map due to end-of-input: the body is empty",
        )
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, "Invalid JSON", details=str(error)) from None
    except RecursionError:
        raise _too_deep() from None
    if is_deeper(value, MAX_DEPTH):
        raise _too_deep()
    return value


async def _body(request: Request) -> bytes:
    """All of it, unless it grows too big. Raises Refused: 413, or 400 if the client goes away meanwhile."""
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_BODY:
                raise Refused(413, f"The body is too big: at most {MAX_BODY} bytes are read")
            parts.append(part)
    except ClientDisconnect:
        raise Refused(400, "The body ended early") from None
    return b"".join(parts)


def is_deeper(value: object, levels: int) -> bool:
    """Whether lists and objects lie within each other more than so many levels deep."""
    level = [value]
    for _ in range(levels + 1):
        level = [
            member
            for each in level
            if isinstance(each, dict | list)
            for member in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def _too_deep() -> Refused:
    return Refused(400, "Invalid JSON", details=f"Lists and objects lie within each other over {MAX_DEPTH} levels deep")


def version_of(text: str) -> str:
    """A version that a client names, as it is written here. Raises Refused (422) for what is no time."""
    try:
        return written(read(text))
    except (ValueError, OverflowError, OSError):
        message = f"Invalid timestamp provided '{text}'. Expecting ISO-8601 datetime string."
        raise Refused(422, message) from None


def segments(path: str) -> list[str]:
    """The parts of a path; doubled, leading and trailing slashes mean nothing."""
    return [part for part in path.split("/") if part]


def joined(parts: Iterable[str]) -> str:
    """The absolute id made of these parts."""
    return "/" + "/".join(parts)
