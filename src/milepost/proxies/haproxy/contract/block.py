"""A piece of the text and the app that it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of the configuration. `app_id` is the app they come from, "" where every app has a part in them."""

    text: str
    app_id: str = ""
