"""Why a structure differs from another, in words an operator can use: which app, which sections."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from milepost.model.reload import ReloadKind
from milepost.proxies.haproxy.config import Section, Structure

MOST_REASONS = 20


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a reload is needed: its kind for counts, its words for people."""

    kind: ReloadKind
    words: str


def reasons_between(before: Structure | None, after: Structure) -> tuple[Reason, ...]:
    """One reason per app whose sections differ, and one for the shared ones.

    `before` is None where what runs is not known in words, only by its digest.
    """
    if before is None:
        return (Reason(ReloadKind.OTHER_RUN, "another structure runs than the one that is wanted"),)
    old, new = _by_key(before.sections), _by_key(after.sections)
    words: dict[str, list[str]] = {}
    for key in sorted(old.keys() | new.keys()):
        verb = _verb(old.get(key), new.get(key))
        if verb:
            app_id = (new.get(key) or old[key]).app_id
            words.setdefault(app_id, []).append(f"{' '.join(key).rstrip()} {verb}")
    shared = words.pop("", [])
    reasons = [Reason(ReloadKind.APP, f"{app_id}: {', '.join(changes)}") for app_id, changes in sorted(words.items())]
    reasons += [Reason(ReloadKind.SHARED, f"shared sections: {', '.join(shared)}")] if shared else []
    return tuple(reasons) or (Reason(ReloadKind.SHARED, "the order of the sections changed"),)


def shortened(reasons: Iterable[str]) -> tuple[str, ...]:
    """The first reasons, and how many more there are: thousands of them help nobody."""
    every = tuple(dict.fromkeys(reasons))
    if len(every) <= MOST_REASONS:
        return every
    return (*every[:MOST_REASONS], f"and {len(every) - MOST_REASONS} more")


def _by_key(sections: Iterable[Section]) -> Mapping[tuple[str, str], Section]:
    return {(section.keyword, section.name): section for section in sections}


def _verb(old: Section | None, new: Section | None) -> str:
    if old is new:
        return ""
    if old is None:
        return "added"
    if new is None:
        return "removed"
    return "changed" if _own_lines(old) != _own_lines(new) else ""


def _own_lines(section: Section) -> tuple[str, ...]:
    """Without the description, which holds the digest of all and so changes with everything."""
    return tuple(line for line in section.lines if not line.startswith("description "))
