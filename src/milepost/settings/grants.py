"""The rules of `policy.claims`: an array of tables in TOML, one text in a variable or an option."""

from collections.abc import Callable, Mapping

from milepost.routing.claims import Grant
from milepost.settings.kinds import FLAG, PORT_RANGE, Kind

_PLAIN = frozenset("/._*-[]?!")  # of patterns, beside letters and digits


class GrantsKind(Kind[tuple[Grant, ...]]):
    """`apps=/shop/* hosts=*.shop.example,shop.example ports=10000-10099 by_app_id=true`, rules separated by `;`."""

    def from_toml(self, value: object) -> tuple[Grant, ...]:
        if not isinstance(value, list) or not all(isinstance(rule, dict) for rule in value):
            raise ValueError
        return tuple(_grant({str(name): _words(member) for name, member in rule.items()}) for rule in value)


def _words(member: object) -> str:
    """A member as it stands in the text form. Raises ValueError for a type that none of them has."""
    if isinstance(member, bool):
        return str(member).lower()
    members = member if isinstance(member, list) else [member]
    if not all(isinstance(one, (str, int)) and not isinstance(one, bool) for one in members):
        raise ValueError
    return ",".join(map(str, members))


def _from_text(text: str) -> tuple[Grant, ...]:
    rules = [dict(_pair(word) for word in rule.split()) for rule in text.split(";") if rule.strip()]
    return tuple(map(_grant, rules))


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _grant(rule: Mapping[str, str]) -> Grant:
    """Raises ValueError: each rule names its apps, and something that they may have."""
    if not {"apps"} < rule.keys() <= {"apps", *_READERS}:
        raise ValueError
    found = {name: _READERS[name](text) for name, text in rule.items() if name != "apps"}
    return Grant(_pattern(rule["apps"]), **found)  # type: ignore[arg-type]  # each reader gives its field's type


def _pattern(text: str) -> str:
    if not text or not all((char.isascii() and char.isalnum()) or char in _PLAIN for char in text):
        raise ValueError
    return text


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(_pattern(part.strip().lower()) for part in text.split(","))


def _ports(text: str) -> tuple[tuple[int, int], ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(PORT_RANGE.word(part if "-" in part else f"{part}-{part}") for part in parts)


_READERS: Mapping[str, Callable[[str], object]] = {"hosts": _hosts, "ports": _ports, "by_app_id": FLAG.word}

GRANTS = GrantsKind(
    "rules, each with apps (a pattern) and some of hosts (patterns), ports (ranges) and by_app_id", _from_text, (list,)
)
