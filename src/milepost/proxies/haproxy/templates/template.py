"""A template: a piece of HAProxy's configuration that an operator or an app's owner may replace.

Names, placeholders and directives are marathon-lb's (marathon-lb-behaviour.md 16); directives that HAProxy removed in
2.1 come in their modern form (its section 20).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_FIELD = re.compile(r"\{\{|\}\}|\{([A-Za-z0-9_]*)\}|[{}]")


class TemplateError(ValueError):
    """A template cannot be filled in: an unknown placeholder, or a brace that is not doubled."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template. `text` is the default; a literal one has no placeholders, its braces are braces."""

    name: str
    text: str
    placeholders: frozenset[str] = frozenset()
    is_literal: bool = False


def filled(name: str, text: str, values: Mapping[str, object]) -> str:
    """`text` with `{placeholder}` replaced; `{{` and `}}` stand for braces.

    Plain names only: attributes and formats, which worked by accident (16.1), are refused. Raises TemplateError.
    """

    unknown = _fields(text) - values.keys()
    if unknown:
        known = ", ".join(sorted(values))
        raise TemplateError(f"template {name}: {_complaint(min(unknown))}; known are {known}")
    return text.format_map(values)  # safe: nothing but plain names is left in it


@lru_cache(maxsize=1024)  # the same few templates are filled in for thousands of servers
def _fields(text: str) -> frozenset[str]:
    """What stands between braces that are not doubled; a lone brace as itself."""
    found = (match for match in _FIELD.finditer(text) if match[0] not in ("{{", "}}"))
    return frozenset(match[0] if match[1] is None else match[1] for match in found)


def _complaint(field: str) -> str:
    if field in ("{", "}"):
        return f"a lone {field}, which is to be doubled"
    return f"unknown placeholder {{{field}}}" if field else "a lone {, which is to be doubled"
