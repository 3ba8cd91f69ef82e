"""The apps of a deployment group as Marathon tells them, and which of them is the new one. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from milepost.compat.zdd.definition import (
    ALT_PORT,
    COLOUR,
    GROUP,
    NEW_INSTANCES,
    PUBLIC_PORT,
    STARTED_AT,
    TARGET_INSTANCES,
    Document,
    service_port,
)
from milepost.compat.zdd.errors import MissingField, WrongFlags, ZddError
from milepost.model.snapshot import App
from milepost.routing.deployment_labels import read_group_id

BLUE, GREEN = "blue", "green"


@dataclass(frozen=True, slots=True)
class Colour:
    """One app of a group. `document` is Marathon's own; `is_deploying`: a change of it is under way."""

    app: App
    document: Document
    is_deploying: bool = False

    @property
    def id(self) -> str:
        return self.app.id

    @property
    def instances(self) -> int:
        return self.app.instances

    @property
    def labels(self) -> Mapping[str, str]:
        return self.app.definition.labels

    @property
    def group(self) -> str:
        """The id under which the group is served, "" for an app of none."""
        found = read_group_id(self.labels.get(GROUP, ""))
        return found if isinstance(found, str) else ""

    @property
    def backend(self) -> str:
        """The name of the balancers' backend. Slashes are replaced, as the balancers do it (its [fix] in 19.3)."""
        port = self.labels.get(PUBLIC_PORT) or str(service_port(self.document))
        return f"{self.group.removeprefix('/').replace('/', '_')}_{port}"

    @property
    def target(self) -> int:
        """How many instances both colours are meant to have. Raises MissingField."""
        return self._count(TARGET_INSTANCES)

    @property
    def kept(self) -> int:
        """How many instances this colour is meant to have for good beside the other one, 0 for all."""
        return self._count(NEW_INSTANCES) if NEW_INSTANCES in self.labels else 0

    @property
    def next_colour(self) -> str:
        return GREEN if self.labels.get(COLOUR) == BLUE else BLUE

    @property
    def next_port(self) -> int:
        """The service port of the other colour: the alternate one, or the public one where this has the alternate."""
        alternate = self._count(ALT_PORT)
        return self._count(PUBLIC_PORT) if service_port(self.document) == alternate else alternate

    def _count(self, name: str) -> int:
        text = self.labels.get(name, "").strip()
        if not text.isascii() or not text.isdecimal():
            raise MissingField(f"the app {self.id} has no whole number in its label {name}: {text!r}")
        return int(text)


def of_group(colours: Iterable[Colour], group: str) -> list[Colour]:
    """The colours of a group, the oldest first: by the text of STARTED_AT."""
    found = [colour for colour in colours if colour.group == group]
    return sorted(found, key=lambda colour: colour.labels.get(STARTED_AT, ""))


@dataclass(frozen=True, slots=True)
class Pair:
    """The two colours of a swap. `is_hybrid`: both are to stay, as many as the new one is meant to have."""

    new: Colour
    old: Colour
    is_hybrid: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """How two colours that are there already shall end: `--complete-cur`, `--complete-prev`, `--resume`."""

    complete_cur: bool = False
    complete_prev: bool = False
    resume: bool = False

    @property
    def is_completion(self) -> bool:
        return self.complete_cur or self.complete_prev


def pair_of(colours: Sequence[Colour], wish: Wish) -> Pair:
    """Which of two or more colours, the oldest first, takes the other's place. Raises ZddError where nothing tells."""
    *_, older, newer = colours
    if wish.complete_prev:
        return Pair(older, newer, is_hybrid=False)
    if wish.complete_cur:
        return Pair(newer, older, is_hybrid=False)
    if wish.resume:
        return Pair(newer, older, is_hybrid=newer.kept > 0)
    names = ", ".join(colour.id for colour in colours)
    raise ZddError(
        f"a deployment of {newer.group} is under way, or a hybrid one was left ({names}): go on with --resume, "
        "--complete-cur or --complete-prev; nothing was changed"
    )


def check_wish(colours: Sequence[Colour], wish: Wish) -> None:
    """Raises WrongFlags where there are no two colours to be completed, or both shall be."""
    if wish.complete_cur and wish.complete_prev:
        raise WrongFlags("--complete-cur and --complete-prev are two ends of one deployment; give one of them")
    if wish.is_completion and len(colours) < 2:
        raise WrongFlags("--complete-cur and --complete-prev need two colours; nothing was changed")
