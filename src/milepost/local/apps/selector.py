"""Label selectors of `GET /v2/apps?label=` (marathon-api 6.1): terms joined by commas, all of which must hold."""

import re
from collections.abc import Callable, Iterator, Mapping

from milepost.local.apps.refusal import Refused

Matches = Callable[[Mapping[str, str]], bool]

WORD = r"(?:[-A-Za-z0-9_.]|\\.)++"  # possessive, and no two places for the same space: nothing is tried twice
TERM = re.compile(
    rf"\s*+(?P<key>{WORD})\s*+"
    rf"(?:(?:(?P<compare>==|!=)\s*(?P<value>{WORD})|(?P<member>in|notin)\s*\((?P<values>[^)]*)\))\s*)?(?:,|$)"
)


def selector(text: str) -> Matches:
    """A predicate over an app's labels. Raises Refused (422) for what cannot be read."""
    terms = list(_terms(text))
    return lambda labels: all(term(labels) for term in terms)


def _terms(text: str) -> Iterator[Matches]:
    position = 0
    while position < len(text):
        term = TERM.match(text, position)
        if not term:
            raise Refused(422, f"the label selector cannot be read from position {position} on: {text!r}")
        yield _term(term)
        position = term.end()


def _term(term: re.Match[str]) -> Matches:
    """One term; the negative ones need the key to exist, too."""
    key = _plain(term["key"])
    if term["compare"]:
        values, wanted = {_plain(term["value"])}, term["compare"] == "=="
    elif term["member"]:
        values, wanted = {_plain(each.strip()) for each in term["values"].split(",")}, term["member"] == "in"
    else:
        return lambda labels: key in labels
    return lambda labels: key in labels and (labels[key] in values) is wanted


def _plain(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word)
