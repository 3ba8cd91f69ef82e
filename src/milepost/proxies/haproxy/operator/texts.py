"""What an operator adds to HAProxy's configuration in HAProxy's own words, read once at start. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from milepost.errors import SettingsError
from milepost.model.problem import Problem, Severity
from milepost.proxies.haproxy.operator.frontend_heads import FRONTENDS, read_frontend_head
from milepost.proxies.haproxy.operator.given import Given
from milepost.proxies.haproxy.operator.head import Head, option_lines, read_head
from milepost.proxies.haproxy.operator.kinds import kinds
from milepost.proxies.haproxy.operator.overlay import Overlay, concerns
from milepost.proxies.haproxy.operator.taken import taken
from milepost.proxies.haproxy.raw.refused import Refused
from milepost.proxies.haproxy.raw.seats import SEATS
from milepost.proxies.haproxy.raw.words import line_of
from milepost.proxies.haproxy.templates.defaults import BY_NAME
from milepost.proxies.haproxy.templates.directives import modernised
from milepost.proxies.haproxy.templates.sources import HEAD
from milepost.proxies.haproxy.templates.template import filled

OPTIONS = "HAPROXY_GLOBAL_DEFAULT_OPTIONS"

_GROUPED = "there is one port for HTTPS, with all certificates"
_MAPPED = "hosts and app ids are always found in maps"
_REDIRECTED = "each host of an app is redirected by a rule of its own"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OperatorTexts:
    """`of_apps` are templates by name, `heads` lines by the name of a shared frontend.

    `problems` tell what was written and is not taken.
    """

    of_apps: Mapping[str, str] = field(default_factory=dict)
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    global_lines: tuple[str, ...] = ()
    defaults_lines: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.of_apps or self.heads or self.global_lines or self.defaults_lines)

    def overlay(self, *, trusts_owners: bool) -> Overlay | None:
        """None where there is nothing to add to a service."""
        return Overlay(self.of_apps, trusts_owners) if self.of_apps else None


@dataclass(frozen=True, slots=True)
class Written:
    """What the operator wrote: `templates` by name, with where each was found, for messages.

    `options` are those of HAPROXY_GLOBAL_DEFAULT_OPTIONS. `ports` are the shared frontends', by name; 0: off.
    """

    templates: Mapping[str, Given] = field(default_factory=dict)
    global_lines: tuple[str, ...] = ()
    defaults_lines: tuple[str, ...] = ()
    options: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)


def read_texts(written: Written, *, trusts_owners: bool = False) -> OperatorTexts:
    """Raises SettingsError for a template that no service could have, and a line that milepost has to say itself."""
    of_apps = {name: given.text for name, given in written.templates.items() if name in SEATS}
    _try(written, Overlay(of_apps, trusts_owners))
    heads = {name: _head(written, name) for name in FRONTENDS if name in written.templates}
    head, told = _read_head(written)
    options, refused = _options(written)
    global_lines = (*head.global_lines, *_set("global", written.global_lines))
    defaults_lines = (*head.defaults_lines, *options, *_set("defaults", written.defaults_lines))
    problems = (*told, *refused, *(one for _, more in heads.values() for one in more), *_unused(written.templates))
    lines = {FRONTENDS[name]: found for name, (found, _) in heads.items() if found}
    return OperatorTexts(of_apps, lines, global_lines, defaults_lines, problems)


def _try(written: Written, overlay: Overlay) -> None:
    """Whether some kind of service could have each text. Left out everywhere, what it guards would be open."""
    wrong: dict[str, str] = {}
    fine: set[str] = set()
    for service in kinds() if overlay.texts else ():
        told = {problem.subject.removeprefix("HAPROXY_"): problem.message for problem in overlay(service).problems}
        fine |= {name for name in overlay.texts.keys() - told.keys() if concerns(service, name)}
        wrong = told | wrong
    for name in sorted(wrong.keys() - fine):
        raise SettingsError(f"{written.templates[name].where}: {wrong[name].rpartition('; ')[0]}")


def _head(written: Written, name: str) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    port = written.ports.get(FRONTENDS[name], 0)
    if not port:
        return (), ()
    template, given = BY_NAME[name], written.templates[name]
    text = given.text if template.is_literal else filled(name, given.text, dict.fromkeys(template.placeholders, ""))
    modern = modernised(text)
    found = _read(given.where, lambda: read_frontend_head(name, modern.text, port))
    return found.lines, (*_advice(name, modern.advice), *found.problems)


def _read_head(written: Written) -> tuple[Head, tuple[Problem, ...]]:
    given = written.templates.get(HEAD)
    if given is None:
        return Head(), ()
    modern = modernised(given.text)
    head = _read(given.where, lambda: read_head(modern.text))
    return head, (*_advice(HEAD, modern.advice), *head.problems)


def _options(written: Written) -> tuple[tuple[str, ...], list[Problem]]:
    found = _read(OPTIONS, lambda: taken("defaults", option_lines(written.options)))
    told = [Problem("", OPTIONS, f"{line!r} is not taken: {why}", Severity.WARNING) for line, why in found.refused]
    return found.lines, told


def _set(section: str, lines: Iterable[str]) -> tuple[str, ...]:
    where = f"haproxy.{section}_lines"
    parsed = _read(where, lambda: [line for line in map(line_of, lines) if line.words])
    found = taken(section, parsed)
    if found.refused:
        line, why = found.refused[0]
        raise SettingsError(f"{where}: {line!r} cannot be said there: {why}")
    return found.lines


def _read(where: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except Refused as error:
        raise SettingsError(f"{where}: {error}") from error


def _advice(name: str, advice: Iterable[str]) -> tuple[Problem, ...]:
    return tuple(Problem("", f"HAPROXY_{name}", text, Severity.WARNING) for text in advice)


def _unused(names: Iterable[str]) -> Iterator[Problem]:
    """Templates whose place milepost's own configuration does not have."""
    for name in sorted(names):
        if name != HEAD and name not in FRONTENDS and name not in SEATS:
            why = _GROUPED if "GROUPED" in name else _MAPPED if name.startswith("MAP_") else _REDIRECTED
            yield Problem("", f"HAPROXY_{name}", f"the template has no effect: {why}", Severity.WARNING)
