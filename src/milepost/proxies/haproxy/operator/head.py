"""The operator's HEAD: what of it goes into a configuration whose head is milepost's own. Pure.

Lines that marathon-lb's own HEAD has too are nobody's wish: people copied it to change a few.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from milepost.model.problem import Problem, Severity
from milepost.proxies.haproxy.contract.flags import DEFAULT_OPTIONS
from milepost.proxies.haproxy.contract.head import USUAL
from milepost.proxies.haproxy.operator.taken import taken
from milepost.proxies.haproxy.raw.review import SECTIONS
from milepost.proxies.haproxy.raw.words import Line, line_of, lines_of

HEAD = "HAPROXY_HEAD"

_OPTIONS = tuple(f"option {name}" for name in DEFAULT_OPTIONS)
_USUAL: Mapping[str, frozenset[str]] = {
    heading: frozenset(" ".join(line_of(line).words) for line in (*lines, *_OPTIONS))
    for heading, lines in USUAL.items()
}
_INSTEAD: Mapping[str, str] = {
    "listen stats": "the statistics page is milepost's: its port is the setting haproxy.stats_port",
}


@dataclass(frozen=True, slots=True)
class Head:
    """Lines for `global` and `defaults`, and a warning for each line that is in neither."""

    global_lines: tuple[str, ...] = ()
    defaults_lines: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_head(text: str) -> Head:
    """Raises Refused where HAProxy would not read a line as one line."""
    sections = _sections(lines_of(text))
    found = {name: taken(name, sections.pop(name, ())) for name in ("global", "defaults")}
    problems = [_problem(f"line {line!r} of {name}", why) for name in found for line, why in found[name].refused]
    for heading, lines in sections.items():
        if lines:
            instead = _INSTEAD.get(heading, "only lines of global and defaults are taken")
            problems.append(_problem(f"section {heading!r} ({lines[0].text!r} and what follows)", instead))
    log_to = any(line.startswith("log ") for line in found["global"].lines)
    defaults = tuple(line for line in found["defaults"].lines if log_to or line != "log global")
    return Head(found["global"].lines, defaults, tuple(problems))


def _sections(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Lines that are not marathon-lb's, by the heading they stand under."""
    found: dict[str, list[Line]] = {}
    heading = ""
    for line in lines:
        if line.words[0] in SECTIONS:
            heading = " ".join(line.words)
            found.setdefault(heading, [])
        elif " ".join(line.words) not in _USUAL.get(heading, ()) or line.text == "log global":
            found.setdefault(heading, []).append(line)
    return found


def _problem(what: str, why: str) -> Problem:
    return Problem("", HEAD, f"{what} is not taken: {why}", Severity.WARNING)


def option_lines(names: str) -> Iterator[Line]:
    """Those of marathon-lb's HAPROXY_GLOBAL_DEFAULT_OPTIONS: names with commas between. Raises Refused."""
    for name in sorted({name.strip() for name in names.split(",")} - {""}):
        yield line_of(f"option {name}")
