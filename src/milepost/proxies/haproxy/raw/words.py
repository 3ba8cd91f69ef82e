"""The words of a line, as HAProxy's parser takes them apart (its manual, 2.2 "Quoting and escaping").

Seen on 2.6 and 2.8: a variable is expanded inside double quotes only, `#` ends a line wherever it is not quoted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from milepost.proxies.haproxy.raw.refused import Refused

_TOKEN = re.compile(
    r"(?P<blank> +)|(?P<comment>#.*)|'(?P<single>[^']*)'"
    r'|"(?P<double>(?:[^"\\]|\\.)*)"'
    r"""|(?P<plain>(?:[^ '"\\#]|\\.)+)"""
)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_VARIABLE = re.compile(r"(?:^|[^\\])(?:\\\\)*\$")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_MOST_WORDS = 60  # HAProxy reads 64; ours may add some
_LONGEST = 1_800  # HAProxy reads 2,048 bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One line that says something: its text without indent and comment, and its words as HAProxy sees them.

    `expands`: a part of it comes from the environment of HAProxy's process. `is_plain`: without quotes and escapes, so
    that the words of the text are those that HAProxy sees.
    """

    text: str
    words: tuple[str, ...]
    expands: bool = False
    is_plain: bool = True


def lines_of(text: str) -> Iterator[Line]:
    """The lines of a template that hold a word. Raises Refused where HAProxy would not read one as one line."""
    for raw in text.replace("\r\n", "\n").split("\n"):
        line = line_of(raw.replace("\t", " ").strip(" "))
        if line.words:
            yield line


def line_of(text: str) -> Line:
    """Raises Refused for a quote that is not closed, for what ends a line to anybody, and for more than fits in one."""
    if not text.isprintable():
        raise Refused("it holds a character that cannot be printed")
    if len(text.encode(errors="replace")) > _LONGEST:
        raise Refused(f"it is longer than {_LONGEST} bytes")
    words: list[str] = []
    at, expands, is_plain, is_in_word = 0, False, True, False
    for token in _tokens(text):
        kind, part = token.lastgroup or "", token[token.lastgroup or 0]
        if kind == "comment":
            break
        at = token.end() if kind != "blank" else at
        expands |= kind == "double" and _VARIABLE.search(part) is not None
        is_plain &= kind in ("blank", "plain") and "\\" not in part
        if kind != "blank":
            piece = part if kind == "single" else _unescaped(part, is_quoted=kind == "double")
            words.append(words.pop() + piece if is_in_word else piece)
        is_in_word = kind != "blank"
    if len(words) > _MOST_WORDS:
        raise Refused(f"it has more than {_MOST_WORDS} words")
    return Line(" ".join(words) if is_plain else text[:at], tuple(words), expands, is_plain)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Refused("a quote is not closed, or a backslash stands at the end")
        at = found.end()
        yield found


def _unescaped(part: str, *, is_quoted: bool) -> str:
    """A backslash before any other sign stays; before `$` it goes inside double quotes only."""
    known = " #\\'\"$" if is_quoted else " #\\'\""

    def sign(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return _LETTERS.get(match[2]) or (match[2] if match[2] in known else match[0])

    return _ESCAPE.sub(sign, part)
