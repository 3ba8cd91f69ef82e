"""A template: a piece of HAProxy's configuration that an operator or an app's owner may replace.

Names, placeholders and directives are marathon-lb's (marathon-lb-behaviour.md 16); directives that HAProxy removed in
2.1 come in their modern form (its section 20).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

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

    def value(match: re.Match[str]) -> str:
        found = match[0]
        if found in ("{{", "}}"):
            return found[0]
        if match[1] is None or match[1] not in values:
            known = ", ".join(sorted(values))
            what = f"unknown placeholder {found}" if match[1] else f"a lone {found[0]}, which is to be doubled"
            raise TemplateError(f"template {name}: {what}; known are {known}")
        return str(values[match[1]])

    return _FIELD.sub(value, text)
