"""Which apps come after which (marathon-api 6.12, 10.1)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from milepost.local.apps import app_id as ids
from milepost.local.apps.definition import Definition
from milepost.local.apps.refusal import invalid
from milepost.local.scheduler.tree import NO_GROUPS, GroupChanges

Below = Callable[[str], Sequence[str]]
GROUP = "/*"  # ends the name of a group's point in the graph; no app has such an id


def dependency_levels(
    apps: Mapping[str, Definition | None], wanted: Iterable[str], groups: GroupChanges = NO_GROUPS
) -> dict[str, int]:
    """The length of the longest chain of dependencies below each wanted app. Raises Refused (422) for a cycle.

    An app depends on what it names, and on what the groups it lies in name; a group stands for all apps below it.
    Chains may be as long as there are apps, and a group of many apps may be needed by many: each app and each group is
    one point of the graph, looked at once.
    """
    below = _Graph(apps, groups).below
    levels: dict[str, int] = {}
    for name in wanted:
        _measure(name, below, levels)
    return levels


class _Graph:
    """What each point leads to: an app to the apps and groups it depends on, a group to the apps below it."""

    def __init__(self, apps: Mapping[str, Definition | None], groups: GroupChanges) -> None:
        self._apps, self._groups = apps, groups
        self._members: dict[str, list[str]] | None = None

    def below(self, name: str) -> Sequence[str]:
        if name.endswith(GROUP):
            return self._below_group(name.removesuffix(GROUP))
        app = self._apps[name]
        return tuple(self._needed(app)) if app else ()

    def _needed(self, app: Definition) -> Iterator[str]:
        inherited = (each for group_id in ids.ancestors(app.id) for each in self._groups.get(group_id) or ())
        for name in (*(app.dependencies or ()), *inherited):
            if self._apps.get(name):
                yield name
            elif self._groups.get(name) is not None:
                yield name + GROUP

    def _below_group(self, group_id: str) -> Sequence[str]:
        if self._members is None:
            self._members = {}
            for name, app in self._apps.items():
                for each in ids.ancestors(name) if app else ():
                    self._members.setdefault(each, []).append(name)
        return self._members.get(group_id, ())


def _measure(start: str, below: Below, levels: dict[str, int]) -> None:
    """Add the level of `start` and of all below it; by a stack of our own, as chains are longer than Python's."""
    if start in levels:
        return
    path: dict[str, tuple[Sequence[str], Iterator[str]]] = {}

    def enter(name: str) -> None:
        found = below(name)
        path[name] = found, iter(found)

    enter(start)
    while path:
        name, (found, rest) = next(reversed(path.items()))
        deeper = next((each for each in rest if each not in levels), None)
        if deeper is None:
            levels[name] = _level(name, (levels[each] for each in found))
            del path[name]
        elif deeper in path:
            raise invalid([("/", "Dependency graph has cyclic dependencies.")])
        else:
            enter(deeper)


def _level(name: str, below: Iterable[int]) -> int:
    """An app is above all it leads to; a group is as high as its highest app, and under everything if it has none."""
    highest = max(below, default=-1)
    return highest if name.endswith(GROUP) else highest + 1
