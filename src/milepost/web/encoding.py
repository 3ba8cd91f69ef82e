"""Values as JSON, for the HTTP API and the command line alike."""

from collections.abc import Mapping

import msgspec


def to_json(value: object) -> bytes:
    """Any mapping is written as an object: msgspec itself knows none but dicts."""
    return msgspec.json.encode(value, enc_hook=_encodable)


def _encodable(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value.items())
    raise TypeError(f"there is no JSON for values of type {type(value).__name__}")
