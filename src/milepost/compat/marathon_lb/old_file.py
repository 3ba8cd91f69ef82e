"""An old haproxy.cfg beside what marathon-lb's rules give today: what stands there for reasons of its own. Pure."""

from collections.abc import Iterator, Mapping

from milepost.compat.marathon_lb.migration import Difference

_SECTIONS = (
    "global",
    "defaults",
    "listen",
    "frontend",
    "backend",
    "userlist",
    "peers",
    "resolvers",
    "cache",
    "program",
)
_BY_HAND = "set by hand, or by a template that is not here: `milepost run` does not have it"
_OUT_OF_DATE = "not in the old file: it is older than what Marathon says, or was changed by hand"


def file_differences(old: str, rules: str, apps: Mapping[str, str]) -> tuple[Difference, ...]:
    """Each section or line that only one of both texts has. `apps` names the app of a section.

    `rules` is marathon-lb's own text for the same flags and apps. Order, blanks and comments say nothing.
    """
    before, after = _sections(old), _sections(rules)
    found: list[Difference] = []
    for name in sorted(before.keys() | after.keys()):
        app_id = apps.get(name.partition(" ")[2], "")
        if name not in after:
            found.append(Difference(app_id, "", f"section {name}", f"{len(before[name])} lines", "", _BY_HAND))
        elif name not in before:
            found.append(Difference(app_id, "", f"section {name}", "", f"{len(after[name])} lines", _OUT_OF_DATE))
        else:
            found += _line_differences(app_id, name, before[name], after[name])
    return tuple(found)


def _line_differences(app_id: str, name: str, old: list[str], new: list[str]) -> Iterator[Difference]:
    yield from (Difference(app_id, "", f"line of {name}", line, "", _BY_HAND) for line in old if line not in new)
    yield from (Difference(app_id, "", f"line of {name}", "", line, _OUT_OF_DATE) for line in new if line not in old)


def _sections(text: str) -> dict[str, list[str]]:
    """The folded lines of each section, by its keyword and name."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for raw in text.splitlines():
        line = " ".join(raw.split())
        if not line or line.startswith("#"):
            continue
        if line.split(" ", 1)[0] in _SECTIONS:
            lines = found.setdefault(line, [])
        else:
            lines.append(line)
    return found
