"""How a field of a settings class is also a key: what is told about it stands beside it."""

from dataclasses import field
from typing import TypeVar

from milepost.settings.kinds import Kind

T = TypeVar("T")


def setting(default: T, kind: Kind[T], help_text: str, *, option: str = "", shown: str = "", secret: bool = False) -> T:
    """A field that is a key. `option` is a short name beside the regular one, `shown` the default in words.

    A `secret` never appears in a repr.
    """
    told = {"kind": kind, "help": help_text, "option": option, "shown": shown}
    return field(default=default, metadata=told, repr=not secret)
