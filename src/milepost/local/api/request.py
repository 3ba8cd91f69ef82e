"""Reading requests the way Marathon does."""

from collections.abc import Iterable

import msgspec
from starlette.requests import Request

from milepost.local.apps.refusal import Refused
from milepost.local.scheduler.timestamp import read, written


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """A boolean of the query: "true" in any case is true, anything else that is given is false."""
    given = request.query_params.get(name)
    return default if given is None else given.lower() == "true"


def embeds(request: Request) -> set[str]:
    """What `embed` asks for, without the prefixes that it may carry."""
    return {each.rpartition("apps.")[2].rpartition("app.")[2] for each in request.query_params.getlist("embed")}


async def json_body(request: Request) -> object:
    """The decoded body, whatever content type it claims. Raises Refused (400) for what is not JSON."""
    data = await request.body()
    if not data.strip():
        raise Refused(
            400,
            "Please specify data in JSON format",
            details="No content to map due to end-of-input: the body is empty",
        )
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise Refused(400, "Invalid JSON", details=str(error)) from None


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
