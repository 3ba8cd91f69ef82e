"""What the controller asks of a proxy. The type parameters are the proxy's own values.

The line of one pass (docs/architecture.md): `desired` and `plan` are pure and say what should run and
what leads there; `apply` and `restructure` make it so and return what runs afterwards, as seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from milepost.model.problem import Problem
from milepost.model.reload import ReloadKind
from milepost.model.routing import RoutingTable

DesiredT = TypeVar("DesiredT")
ActualT = TypeVar("ActualT")


class Change(Protocol):
    """One step of a plan, done on the running proxy: whose part it touches, and why."""

    @property
    def app_id(self) -> str: ...

    @property
    def reason(self) -> str: ...

    def describe(self) -> str:
        """The step in one line, without the reason."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What leads from what runs to what should run.

    `live` is done at once on the running proxy. `structure` holds one reason per cause of a needed
    reload and is empty when none is needed; `kinds` are the kinds of all these reasons, each once.
    """

    live: Sequence[Change] = ()
    structure: tuple[str, ...] = ()
    kinds: tuple[ReloadKind, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.live or self.structure)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[ActualT]):
    """What applying came to: what runs now, and how many changes were seen to be applied.

    `leftovers` counts servers that take no new traffic and wait for their last session to end before they
    can be deleted; a later pass tries again. `reloaded` tells whether this took a reload.
    """

    actual: ActualT
    applied: int = 0
    leftovers: int = 0
    reloaded: bool = False


class Proxy(Protocol[DesiredT, ActualT]):
    """A proxy that milepost keeps configured."""

    name: str

    @property
    def refused(self) -> tuple[Problem, ...]:
        """What of the last `desired` the proxy or the machine did not take; all else goes live without it."""
        ...

    def desired(self, table: RoutingTable) -> DesiredT:
        """What should run for this table. Pure, memoised on the table's parts."""
        ...

    def plan(self, desired: DesiredT, actual: ActualT) -> Plan:
        """What leads from `actual` to `desired`; additions first, so that no pool runs empty. Pure."""
        ...

    async def observe(self) -> ActualT:
        """What runs now, read back from the proxy. Raises ProxyError when it cannot be reached."""
        ...

    async def apply(self, plan: Plan, actual: ActualT) -> Outcome[ActualT]:
        """Carry out `plan.live` on the running proxy, checking each answer. Raises ProxyError when it is gone."""
        ...

    async def restructure(self, wanted: Callable[[], DesiredT]) -> Outcome[ActualT]:
        """Check, write, reload without losing a request, and see that it runs.

        Takes up to seconds: what ran before takes `apply` until then. So `wanted` is asked for the newest twice, for
        the check and when it is written; what comes later is for the next `apply` to do, on the outcome's `actual`.

        Raises ConfigRefused when the check says no; what ran before still runs and stands in the file.
        """
        ...

    async def save(self, desired: DesiredT) -> None:
        """Write the file of `desired` behind the running proxy, so that a crash restarts from the truth.

        Called beside `apply` and `restructure`; what stands there already is not written again. Raises ProxyError where
        it cannot be written.
        """
        ...

    async def run(self, wake: Callable[[str], None]) -> None:
        """Watch the proxy until cancelled; restart it where it is ours and it died.

        `wake(reason)` is called whenever what runs may differ from what was last seen.
        """
        ...
