"""Regular expressions for host names, as an owner may write them: few enough to be safe in a shared frontend.

HAProxy's expressions try one way after another, and some take for ever on a name that does not fit. So repetition
stands behind single characters only, and the ways to match, counted as if none ever failed early, are bounded. What
comes out is written anew in signs that mean the same to each library HAProxy may be built with (POSIX, PCRE, PCRE2),
without backslashes and quotes.
"""

import re
from dataclasses import dataclass

LONGEST_HOST = 253
MOST_WAYS = 200_000
RIGHT = (
    "~ and an expression of letters, digits, - _ \\. \\d . [a-z] (a|b), with ? * + {2,3} behind single signs, only "
    "? behind groups, and one or two of * and +"
)

_LONGEST = 200
_CLASS = re.compile(r"\[\^?(?:[a-z0-9]-[a-z0-9]|[a-z0-9._])+-?\]")
_RANGE = re.compile(r"([a-z0-9])-([a-z0-9])")
_TIMES = re.compile(r"\{([0-9]{1,3})(,?)([0-9]{0,3})\}")
_ESCAPES = {r"\.": "[.]", r"\-": "-", r"\d": "[0-9]", r"\w": "[a-z0-9_]"}
_LITERAL = re.compile(r"[a-z0-9_-]")


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of an expression, written anew, and the ways in which it can match."""

    text: str
    ways: int


class _Unfit(Exception):
    """Something that is no such expression, or too much of one."""


def host_expression(text: str) -> str | None:
    """`text` written anew, None where it is not allowed. It is meant for the whole name, in lower case."""
    if len(text) > _LONGEST:
        return None
    reader = _Reader(text)
    try:
        part = reader.choice()
    except _Unfit:
        return None
    return part.text if reader.is_at_end and part.ways <= MOST_WAYS else None


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._text)

    def choice(self) -> _Part:
        branches = [self._branch()]
        while self._takes("|"):
            branches.append(self._branch())
        return _Part("|".join(branch.text for branch in branches), sum(branch.ways for branch in branches))

    def _branch(self) -> _Part:
        texts, ways = [], 1
        while not self.is_at_end and self._text[self._at] not in "|)":
            part = self._piece()
            texts.append(part.text)
            ways *= part.ways
        if not texts:
            raise _Unfit
        return _Part("".join(texts), ways)

    def _piece(self) -> _Part:
        if self._takes("("):
            inner = self.choice()
            if not self._takes(")"):
                raise _Unfit
            is_optional = self._takes("?")
            return _Part(f"({inner.text}){'?' if is_optional else ''}", inner.ways + is_optional)
        text = self._character()
        times, ways = self._times()
        return _Part(f"{text}{times}", ways)

    def _character(self) -> str:
        rest = self._text[self._at :].lower()
        if found := _CLASS.match(rest):
            self._at += len(found[0])
            if any(low > high for low, high in _RANGE.findall(found[0])):
                raise _Unfit
            return found[0]
        if rest.startswith("."):
            self._at += 1
            return "."
        escape = self._text[self._at : self._at + 2]
        if escape in _ESCAPES:
            self._at += 2
            return _ESCAPES[escape]
        if not _LITERAL.match(rest):
            raise _Unfit
        self._at += 1
        return rest[0]

    def _times(self) -> tuple[str, int]:
        """How often, as it is written, and the number of possibilities."""
        for sign, ways in (("?", 2), ("*", LONGEST_HOST + 1), ("+", LONGEST_HOST)):
            if self._takes(sign):
                return sign, ways
        found = _TIMES.match(self._text, self._at)
        if not found:
            return "", 1
        self._at = found.end()
        least = int(found[1])
        most = int(found[3]) if found[3] else LONGEST_HOST if found[2] else least
        if (found[3] and not found[2]) or not least <= most <= LONGEST_HOST:
            raise _Unfit
        return found[0], most - least + 1

    def _takes(self, sign: str) -> bool:
        is_there = self._text.startswith(sign, self._at)
        self._at += is_there
        return is_there
