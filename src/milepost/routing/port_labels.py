"""The labels of one port while they are read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from milepost.model.problem import Problem, Severity
from milepost.routing.grammar import Wrong
from milepost.routing.label import Label, problem_with, read

T = TypeVar("T")


@dataclass(slots=True)
class PortLabels:
    """The labels of one port while they are read. `is_broken`: without one of them the service cannot be made.

    `names` are those that the owner gave, without `HAPROXY_0_`: most ports have a few of the many there are.
    """

    app_id: str
    labels: Mapping[str, str]
    index: int
    exact: bool
    problems: list[Problem] = field(default_factory=list)
    is_broken: bool = False
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        start = f"HAPROXY_{self.index}_"
        self.names = frozenset(key.removeprefix(start) for key in self.labels if key.startswith(start))

    def value(self, label: Label[T], default: T, *, needed: bool = True) -> T:
        found = self.optional(label, needed=needed)
        return default if found is None else found

    def optional(self, label: Label[T], *, needed: bool = True) -> T | None:
        """The value, None where the owner gave none that can be read."""
        if not self.has(label):
            return None
        found = read(label, self.labels, self.index, exact=self.exact)
        if not isinstance(found, Wrong):
            return found
        self.problems.append(problem_with(self.app_id, label, self.index, self.labels, found))
        self.is_broken |= needed or self.exact
        return None

    def has(self, label: Label[T]) -> bool:
        return label.name in self.names

    def has_any(self, labels: Iterable[Label[Any]]) -> bool:
        return any(label.name in self.names for label in labels)

    def report(self, label: Label[T], message: str, severity: Severity = Severity.ERROR) -> None:
        self.problems.append(Problem(self.app_id, label.key(self.index), message, severity))
