"""Conditions of rules as alternatives of terms, so that more can be put before each (HAProxy's manual, 7.2)."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product

from milepost.proxies.haproxy.raw.refused import Refused

_BARE = re.compile(r"[A-Za-z0-9_.,:;/@%()\[\]{}=!+*<>^|?~&-]+")
_PREDEFINED = re.compile(r"[A-Z][A-Z0-9_.]*")  # TRUE, METH_GET, LOCALHOST and the like
_OR = frozenset({"or", "||"})
_MOST = 16  # alternatives


@dataclass(frozen=True, slots=True)
class Term:
    """The name of an acl, or (`is_inline`) what stands between braces; true where that is false if `is_negated`."""

    text: str
    is_inline: bool = False
    is_negated: bool = False

    def __str__(self) -> str:
        text = f"{{ {self.text} }}" if self.is_inline else self.text
        return f"!{text}" if self.is_negated else text


Alternatives = tuple[tuple[Term, ...], ...]
ALWAYS: Alternatives = ((),)


def alternatives(words: Sequence[str]) -> Alternatives:
    """From `if` or `unless` and what follows, always true where nothing is there. Raises Refused."""
    if not words:
        return ALWAYS
    found: list[tuple[Term, ...]] = [()]
    rest, is_negated = list(words[1:]), False
    while rest:
        word = rest.pop(0)
        if word in _OR:
            found.append(())
            continue
        while word.startswith("!"):
            word, is_negated = word[1:], not is_negated
        if not word:
            continue
        term = Term(word, is_negated=is_negated)
        if word == "{":
            end = rest.index("}")
            term = Term(" ".join(map(quoted, rest[:end])), is_inline=True, is_negated=is_negated)
            del rest[: end + 1]
        found[-1], is_negated = (*found[-1], term), False
    return tuple(found) if words[0] == "if" else _negated(found)


def _negated(found: Sequence[tuple[Term, ...]]) -> Alternatives:
    """One term of each has to be false."""
    chosen = tuple(product(*found))
    if len(chosen) > _MOST:
        raise Refused("the condition has too many terms for `unless`")
    return tuple(tuple(replace(term, is_negated=not term.is_negated) for term in terms) for terms in chosen)


def known_by(found: Alternatives, own: Collection[str], prefix: str) -> Alternatives:
    """The acls of `own` under names that no other app has. Raises Refused for one that is nobody's."""

    def name_of(term: Term) -> Term:
        if term.is_inline or (term.text not in own and _PREDEFINED.fullmatch(term.text)):
            return term
        if term.text not in own:
            raise Refused(f"no acl {term.text!r} stands before it")
        return replace(term, text=f"{prefix}{term.text}")

    return tuple(tuple(map(name_of, terms)) for terms in found)


def text_of(found: Alternatives, *guards: str) -> str:
    """The condition with ` if `, each alternative behind the `guards`; "" where it is always true."""
    texts = [" ".join((*guards, *map(str, terms))) for terms in found]
    return f" if {' or '.join(texts)}" if all(texts) else ""


def quoted(word: str) -> str:
    """`word` as HAProxy reads it back. Raises Refused where single quotes cannot hold it."""
    if _BARE.fullmatch(word):
        return word
    if "'" in word or not word.isprintable():
        raise Refused(f"{word!r}: a single quote cannot stand there")
    return f"'{word}'"
