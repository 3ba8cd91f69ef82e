"""Constraints on where an app's tasks may run: their form, in Marathon's words (marathon-api 4.1)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from milepost.local.apps.definition import Definition
from milepost.local.apps.refusal import Violation

OPERATORS = ("UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS")
PATTERNS = frozenset({"LIKE", "UNLIKE"})
MAX_PATTERN, MAX_REPEATS = 100, 4  # these bounds, and no repeated groups, keep a match from taking seconds
REPEATED_GROUP = re.compile(r"\)[*+{]")


@dataclass(frozen=True, slots=True)
class Constraint:
    """`field` is an attribute of nodes, or `hostname`. `value` is "" where none is given."""

    field: str
    operator: str
    value: str = ""


def constraints_of(app: Definition) -> tuple[Constraint, ...]:
    """Those of an app whose definition keeps the rules."""
    return tuple(Constraint(*words) for words in app.constraints or ())


def constraint_violations(app: Definition) -> Iterator[Violation]:
    for index, words in enumerate(app.constraints or ()):
        problem = _problem(words)
        if problem:
            yield f"/constraints({index})", problem


def _problem(words: Sequence[str]) -> str | None:
    if len(words) not in (2, 3) or not words[0]:
        return "must be a field, an operator and, for some, a value"
    constraint = Constraint(*words)
    value, operator = constraint.value, constraint.operator
    if operator not in OPERATORS:
        return f"got operator {operator}, expected one of {', '.join(OPERATORS)}"
    if operator == "UNIQUE":
        return "Value specified but not used" if value else None
    if operator in PATTERNS:
        return _pattern_problem(value)
    if operator == "IS":
        return None if value else "Value was not specified"
    if operator == "CLUSTER" or (operator == "GROUP_BY" and not value):
        return None
    return None if re.fullmatch(r"[0-9]{1,9}", value) else "Value was specified but is not a number"


def _pattern_problem(value: str) -> str | None:
    if not value:
        return "A regular expression value must be provided"
    if len(value) > MAX_PATTERN:
        return f"A regular expression can have at most {MAX_PATTERN} characters"
    if REPEATED_GROUP.search(value) or sum(map(value.count, "*+?{")) > MAX_REPEATS:
        return f"A regular expression can have at most {MAX_REPEATS} of * + ? {{ and none of * + {{ behind a group"
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError):
        return f"'{value}' is not a valid regular expression"
    return None
