"""A label: its name, where it stands, and how its text is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any, Generic, TypeVar

from milepost.model.problem import Problem
from milepost.routing.grammar import Parser, Wrong

T = TypeVar("T")


class Scope(Flag):
    """Where a label stands: once for the app, or for one of its ports."""

    APP = auto()
    PORT = auto()


@dataclass(frozen=True, slots=True)
class Label(Generic[T]):
    """One label. `default` describes what holds without it; `exact` reads it as marathon-lb did.

    The text of one that `is_secret` stands in no message.
    """

    name: str
    scope: Scope
    read: Parser[T]
    exact: Parser[T]
    default: str
    help: str
    is_secret: bool = False

    def key(self, index: int | None) -> str:
        return f"HAPROXY_{self.name}" if index is None else f"HAPROXY_{index}_{self.name}"


def read(label: Label[T], labels: Mapping[str, str], index: int | None, *, exact: bool) -> T | Wrong | None:
    """The value that the owner gave, None where the label is absent."""
    text = labels.get(label.key(index))
    if text is None:
        return None
    return label.exact(text) if exact else label.read(text)


def problem_with(app_id: str, label: Label[Any], index: int | None, labels: Mapping[str, str], wrong: Wrong) -> Problem:
    key = label.key(index)
    got = "another form" if label.is_secret else repr(labels[key][:80])
    return Problem(app_id, key, f"expected {wrong.right}, got {got}")
