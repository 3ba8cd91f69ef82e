"""From the body of an answer to apps. Pure. What is no answer of Marathon is an error, never an empty cluster."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from milepost.errors import SourceError
from milepost.model.problem import Problem
from milepost.model.snapshot import App, Snapshot
from milepost.model.source_name import prefix_of
from milepost.sources.marathon import wire
from milepost.sources.marathon.translate import absolute_id, app_from_wire


@dataclass(frozen=True, slots=True)
class Answer:
    """The apps that could be read, by id, and a Problem for each that could not."""

    apps: Mapping[str, App] = field(default_factory=dict)
    unreadable: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them: those of unreadable apps and those within readable ones."""
        return (*self.unreadable, *(problem for app in self.apps.values() for problem in app.problems))


class _AppList(msgspec.Struct, frozen=True):
    apps: list[msgspec.Raw]


class _OneApp(msgspec.Struct, frozen=True):
    app: msgspec.Raw


_list_decoder = msgspec.json.Decoder(_AppList)
_one_decoder = msgspec.json.Decoder(_OneApp)


def go_on() -> None:
    """Nothing to do between two apps."""


def read_apps_answer(body: bytes, between: Callable[[], None] = go_on, prefix: str = "") -> Answer:
    """The answer to `GET /v2/apps`; `between` is called between two apps. `prefix` comes before their ids.

    Raises SourceError if it is no list of apps, or a list of nothing readable.
    """
    try:
        raws = _list_decoder.decode(body).apps
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SourceError(f"no answer of Marathon: {error}") from error
    answer = answer_of(raws, between, prefix)
    if raws and not answer.apps:
        raise SourceError(f"none of its {len(raws)} apps can be read: {answer.unreadable[0].message}")
    return answer


def read_app_answer(body: bytes, app_id: str) -> Answer:
    """The answer to a question for the app that we know as `app_id`. Raises SourceError if it is none or another's."""
    try:
        raw = _one_decoder.decode(body).app
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SourceError(f"no answer of Marathon: {error}") from error
    answer = answer_of([raw], prefix=prefix_of(app_id))
    if answer.apps and app_id not in answer.apps:
        raise SourceError(f"asked for {app_id}, but the answer is about {next(iter(answer.apps))}")
    return answer


def answer_of(raws: Iterable[msgspec.Raw], between: Callable[[], None] = go_on, prefix: str = "") -> Answer:
    """Each app by itself, so that an odd one spoils nothing else; `between` is called between two.

    `prefix` comes before each id: it tells the apps of one source from those of another.
    """
    apps: dict[str, App] = {}
    unreadable: list[Problem] = []
    for raw in raws:
        try:
            app = app_from_wire(wire.app_decoder.decode(raw), prefix)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            found = wire.id_of(raw)
            app_id = prefix + absolute_id(found) if found else ""
            unreadable.append(Problem(app_id, "app", f"cannot be read: {error}"))
        else:
            apps[app.id] = app
        between()
    return Answer(apps, tuple(unreadable))


def snapshot_from_answer(body: bytes, source: str, read_at_s: float) -> Snapshot:
    """The answer to `GET /v2/apps` as a snapshot, read at `read_at_s` (Unix time). Raises SourceError if it is none."""
    answer = read_apps_answer(body)
    return Snapshot(answer.apps, source, read_at_s, answer.problems)
