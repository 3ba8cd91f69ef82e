"""What JSON is made of, whatever its values: the members that a sample has and an answer should have too."""

from typing import Any

OPEN = frozenset({"env", "labels", "options"})  # objects whose members their owner names
NAMES = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object", list: "array"}


def types(document: Any, place: str = "") -> dict[str, set[str]]:
    """The types at each place ("apps[].id"); null is no value, and all members of a list share its places."""
    found: dict[str, set[str]] = {}
    if document is None:
        return found
    found.setdefault(place, set()).add(NAMES[type(document)])
    parts: list[tuple[str, Any]] = []
    if isinstance(document, dict) and place.rpartition(".")[2] not in OPEN:
        parts = [(f"{place}.{name}".lstrip("."), member) for name, member in document.items()]
    elif isinstance(document, list):
        parts = [(f"{place}[]", member) for member in document]
    for where, member in parts:
        for inner, names in types(member, where).items():
            found.setdefault(inner, set()).update(names)
    return found


def lacking(sample: Any, answer: Any) -> set[str]:
    """The outermost places of the sample where the answer has nothing, or something of another type."""
    ours = types(answer)
    lost = {place for place, names in types(sample).items() if not names <= ours.get(place, set())}
    return {place for place in lost if not any(_is_within(place, other) for other in lost)}


def _is_within(place: str, other: str) -> bool:
    return place.startswith((f"{other}.", f"{other}[]"))
