"""HAProxy's words: how it cuts a line, and how words are written so that it cuts them again as they were."""

import re
from collections.abc import Iterable

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", " ": " ", "#": "#", "\\": "\\", '"': '"', "'": "'"}
_PART = re.compile(
    r"""(?P<escape>\\[ #\\"'nrt])|(?P<double>"(?:\\.|[^"\\])*")|(?P<single>'[^']*')"""
    r"""|(?P<end>\#.*)|(?P<blank>[ \t]+)|(?P<char>.)""",
    re.DOTALL,
)
_WRITTEN = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile(r"""[ #"'\n\r\t]|\\(?=[ #\\"'nrt\n\r\t]|$)""")


def split_words(line: str) -> list[str]:
    """As HAProxy cuts a line (configuration manual, chapter 2.2): blanks, quotes, backslashes and comments."""
    words: list[str] = []
    word: str | None = None
    for match in _PART.finditer(line.rstrip("\r")):
        part, kind = match[0], match.lastgroup
        if kind == "blank":
            words += () if word is None else (word,)
            word = None
        elif kind == "end":
            break
        else:
            word = (word or "") + _unquoted(part, kind)
    return words if word is None else [*words, word]


def joined(words: Iterable[str]) -> str:
    """One line of these words."""
    return " ".join(_SPECIAL.sub(_escaped, word) if word else '""' for word in words)


def _escaped(match: re.Match[str]) -> str:
    return _WRITTEN.get(match[0], f"\\{match[0]}")


def _unquoted(part: str, kind: str | None) -> str:
    if kind == "escape":
        return _ESCAPES[part[1]]
    if kind == "double":
        return re.sub(r"""\\([ #\\"'nrt])""", lambda match: _ESCAPES[match[1]], part[1:-1])
    return part[1:-1] if kind == "single" else part
