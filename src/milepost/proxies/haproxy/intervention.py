"""What becomes of what somebody else changed: it is told, and mended, or left as it is where that is configured."""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from types import MappingProxyType

from milepost.model.notice import ForeignChanges, Notify
from milepost.model.problem import Problem, Severity
from milepost.proxies.haproxy.difference import shortened
from milepost.proxies.haproxy.foreign import Difference

_LEFT = "by somebody else, and is left so (haproxy.foreign_changes)"
_NO_APPS: Mapping[str, str] = MappingProxyType({})


class Where(Enum):
    """RUNNING: servers and map entries of the running worker. FILES: what a restart would start from."""

    RUNNING = auto()
    FILES = auto()


class Intervention:
    """Tells each change once. With `heals` all is to be mended, else only once after `heal` asked for it."""

    def __init__(self, proxy: str, notify: Notify, *, heals: bool) -> None:
        self._proxy, self._notify, self._heals = proxy, notify, heals
        self._asked: set[Where] = set()
        self._left: dict[Where, tuple[Problem, ...]] = {}

    @property
    def left(self) -> tuple[Problem, ...]:
        """What is as somebody else made it, and stays so."""
        return tuple(problem for problems in self._left.values() for problem in problems)

    def heal(self) -> None:
        """Whatever is left, or found next, is to be mended."""
        self._asked = set(Where)

    def is_to_be_left(self, where: Where, found: Iterable[Difference], apps: Mapping[str, str] = _NO_APPS) -> bool:
        """Whether what was found differs and is not to be mended. `apps`: the app of each backend."""
        found = tuple(found)
        is_asked = where in self._asked
        self._asked.discard(where)
        if found and not (self._heals or is_asked):
            self._left[where] = tuple(_problem(one, apps) for one in found)
            return True
        self._left.pop(where, None)
        if found:
            self.tell(map(str, found))
        return False

    def is_over(self, *places: Where) -> None:
        """All there is as milepost made it; without an argument all everywhere."""
        for where in places or Where:
            self._left.pop(where, None)

    def tell(self, changes: Iterable[str]) -> None:
        self._notify(ForeignChanges(self._proxy, shortened(changes)))


def _problem(difference: Difference, apps: Mapping[str, str]) -> Problem:
    words = f"{difference.words} {_LEFT}"
    return Problem(apps.get(difference.place, ""), difference.subject, words, Severity.WARNING)
