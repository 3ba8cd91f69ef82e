"""HAProxy's own check of a configuration (`haproxy -c -f`), and whose part of it was refused.

The words of the check are shown to everybody, so they may quote what stands in our own text and nothing else: a
pattern file that a label names, read by HAProxy, would otherwise be shown by its error message. Nor may they quote
the passwords of our text.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from milepost.proxies.haproxy.config import Desired
from milepost.proxies.haproxy.process import run_program

_ALERT = re.compile(r"^\[ALERT\]\s+\(\d+\) : (?:config : )?(.*)$", re.MULTILINE)
_PLACE = re.compile(r"(?:[Pp]arsing )?\[([^\]\s]*):(\d+)\]\s*:?\s*")
_SUMMARY = ("Error(s) found in configuration file", "Fatal errors found in configuration")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|<([^>]*)>")
_SECTION = re.compile(r"(global|defaults|userlist|frontend|backend|listen)\b[ \t]*(\S*)")
_RULE = re.compile(r"\s*(?:acl|use_backend) (\S+)")
_PASSWORD = re.compile(r"^(\s*user\s+\S+\s+(?:insecure-)?password)\s.*")


@dataclass(frozen=True, slots=True)
class Alert:
    """One complaint. `line` counts from 1 in the checked text, None where HAProxy names none."""

    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How a check came out: nothing was refused where `alerts` is empty."""

    alerts: tuple[Alert, ...] = ()

    @property
    def words(self) -> str:
        return "; ".join(f"line {a.line}: {a.message}" if a.line else a.message for a in self.alerts)


async def check(
    binary: Path, candidate: Path, text: str, environment: Mapping[str, str], timeout_s: float = 60.0
) -> Checked:
    """Let HAProxy judge the file `candidate`, which holds `text`. Raises ProxyError where it cannot be asked."""
    ran = await run_program([str(binary), "-c", "-f", str(candidate)], environment, timeout_s)
    if ran.status == 0:
        return Checked()
    return Checked(parse_alerts(ran.words, text) or (Alert(None, f"the check ended with status {ran.status}"),))


def parse_alerts(words: str, text: str) -> tuple[Alert, ...]:
    """What HAProxy's words complain about, without what is not literally in `text`, the configuration they are on."""
    lines = [_PASSWORD.sub(r"\1", line) for line in text.splitlines()]
    headings = {word for line in lines if (heading := _SECTION.match(line)) for word in heading.groups()}
    found = []
    for alert in _ALERT.findall(words):
        if alert.startswith(_SUMMARY):
            continue
        place = _PLACE.search(alert)
        number = int(place[2]) if place and 0 < int(place[2]) <= len(lines) else None
        message = alert.replace(place[0], "", 1) if place else alert
        found.append(
            Alert(number, without_foreign(message, lines[number - 1] if number else "\n".join(lines), headings))
        )
    return tuple(found)


def without_foreign(message: str, ours: str, headings: Collection[str] = ()) -> str:
    """`message` with every quotation cut out of something that is neither in `ours` nor one of `headings`.

    One foreign quotation cuts up to the last quote, and an odd quote all of them, since a foreign text may itself hold
    quotes.
    """
    quotes = [match.start() for match in re.finditer(r"['\"<>]", message)]
    start = next((q.start() for q in _QUOTED.finditer(message) if not _is_ours(_inner(q), ours, headings)), None)
    if start is None and any(message.count(quote) % 2 for quote in "'\""):
        start = quotes[0]
    return message if start is None else f"{message[:start]}…{message[max(quotes) + 1 :]}"


def owner_of_line(desired: Desired, text: str, line: int) -> str:
    """The app whose section, or whose rule of a shared one, `line` (from 1) of `text` is, "" where it is nobody's."""
    lines = text.splitlines()[:line]
    for above in reversed(lines):
        found = _SECTION.match(above)
        if found:
            sections = desired.structure.sections
            app_id = next((one.app_id for one in sections if (one.keyword, one.name) == found.groups()), "")
            return app_id or _owner_of_rule(desired, lines[-1])
    return ""


def _owner_of_rule(desired: Desired, line: str) -> str:
    """What an owner wrote for a shared section begins with the backend's name (`raw/shared_rules.py`)."""
    found, owners = _RULE.match(line), _owners(desired)
    parts = found[1].split(":") if found else []  # of a source's name, the backend's, and the acl's
    starts = (":".join(parts[:count]) for count in range(1, len(parts) + 1))
    return next((owners[start] for start in starts if owners.get(start)), "")


def owners_of(desired: Desired, text: str, checked: Checked) -> dict[str, str]:
    """The apps whose parts were refused, each with HAProxy's words. Empty where no complaint leads to an app."""
    return dict(_owned(desired, text, checked))


def _owned(desired: Desired, text: str, checked: Checked) -> Iterator[tuple[str, str]]:
    owners = _owners(desired)
    for alert in reversed(checked.alerts):  # of several complaints about an app the first is kept
        named = (quoted[1] for quoted in _QUOTED.finditer(alert.message) if quoted[1])
        if alert.line:  # what else it quotes may be an owner's words: another app is not guilty of being named in them
            app_id = owner_of_line(desired, text, alert.line)
        else:
            app_id = next((owners[name] for name in named if owners.get(name)), "")
        if app_id:
            yield app_id, alert.message


def _owners(desired: Desired) -> Mapping[str, str]:
    """By name; a userlist may be called as another app's backend is."""
    sections = (section for section in desired.structure.sections if section.keyword != "userlist")
    return {section.name: section.app_id for section in sections if section.name}


def _inner(quoted: re.Match[str]) -> str:
    return next(part for part in quoted.groups() if part is not None)


def _is_ours(quoted: str, ours: str, headings: Collection[str]) -> bool:
    return quoted in ours or quoted in headings
