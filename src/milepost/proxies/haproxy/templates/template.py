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
    parts = list(_parts(text))
    try:
        parts[1::2] = [str(values[field]) for field in parts[1::2]]
    except KeyError as error:
        known = ", ".join(sorted(values))
        raise TemplateError(f"template {name}: {_why_unknown(error.args[0])}; known are {known}") from None
    return "".join(parts)


def _why_unknown(field: str) -> str:
    if field in ("{", "}", ""):
        return f"a lone {field or '{'}, which is to be doubled"
    return f"unknown placeholder {{{field}}}"


@lru_cache(maxsize=2048)  # most services go by the same few templates
def _parts(text: str) -> tuple[str, ...]:
    """Text and names of fields by turns, text first and last. A brace that is not doubled is a field of that name."""
    parts, end = [""], 0
    for match in _FIELD.finditer(text):
        parts[-1] += text[end : match.start()]
        end = match.end()
        if match[0] in ("{{", "}}"):
            parts[-1] += match[0][0]
        else:
            parts += (match[0] if match[1] is None else match[1], "")
    return (*parts[:-1], parts[-1] + text[end:])
