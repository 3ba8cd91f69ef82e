"""The procedure (19.3): what is decided purely, in `colours.py` and `swap.py`, is asked of Marathon step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from milepost.compat.zdd.colours import BLUE, Colour, Pair, Wish, check_wish, of_group, pair_of
from milepost.compat.zdd.definition import GROUP, Document, Place, in_colour, require, service_port
from milepost.compat.zdd.errors import BalancerSilent
from milepost.compat.zdd.swap import (
    Seen,
    drained_tasks,
    hold_up,
    is_full_end,
    is_hybrid_end,
    is_named,
    next_instances,
    overdue_tasks,
)
from milepost.routing.deployment_labels import read_group_id


class Marathon(Protocol):
    """What is asked of Marathon. Each method raises the ZddError that its name suggests."""

    def apps(self) -> Sequence[Colour]: ...

    def app(self, app_id: str) -> Colour: ...

    def create(self, document: Document) -> None: ...

    def delete(self, app_id: str) -> None: ...

    def scale(self, app_id: str, instances: int) -> None: ...

    def kill(self, task_ids: Sequence[str]) -> None:
        """For good: their app has so many instances less."""


class Balancers(Protocol):
    def look(self, pair: Pair) -> Seen:
        """What each balancer says of the group's backend now. Raises BalancerSilent."""
        ...


class Operator(Protocol):
    """Who started the deployment. `sleep_s` and `now_s` are in seconds, `date` is the local time in ISO 8601."""

    def tell(self, text: str) -> None: ...

    def show(self, text: str) -> None:
        """A result, rather than news."""

    def agrees(self, question: str) -> bool: ...

    def before_kill(self, pair: Pair, task_ids: Sequence[str]) -> None:
        """Runs the hook. Raises ZddError where it fails."""

    def sleep(self, seconds: float) -> None: ...

    def now_s(self) -> float: ...

    def date(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How a deployment goes on: see the flags of the same names. Times in seconds."""

    step_delay_s: float = 5.0
    max_wait_s: float = 300.0
    initial_instances: int = 1
    linear_increase: int = 0
    new_instances: int = 0


@dataclass(frozen=True, slots=True)
class Deployment:
    """One run. `is_dry`: the definition is shown, and nothing done."""

    marathon: Marathon
    balancers: Balancers
    operator: Operator
    pace: Pace = field(default_factory=Pace)
    wish: Wish = field(default_factory=Wish)
    is_dry: bool = False

    def run(self, document: Document) -> bool:
        """Deploys the app definition; False where the operator does not agree to a step. Raises ZddError."""
        require(document)
        group = read_group_id(document["labels"][GROUP])
        colours = of_group(self.marathon.apps(), str(group))
        check_wish(colours, self.wish)
        if len(colours) > 1:
            return self._go_on(pair_of(colours, self.wish))
        return self._first(document) if not colours else self._second(document, colours[0])

    def _go_on(self, pair: Pair) -> bool:
        self.operator.tell(f"{pair.new.id} takes the place of {pair.old.id}")
        return True if self.is_dry else self._swap(pair)

    def _first(self, document: Document) -> bool:
        own = int(document.get("instances", 1))
        place = Place(BLUE, service_port(document), own, own, 0, self.operator.date())
        return self._create(in_colour(document, place))

    def _second(self, document: Document, there: Colour) -> bool:
        kept = min(self.pace.new_instances, there.instances)
        first = min(self.pace.initial_instances, kept or there.instances)
        place = Place(there.next_colour, there.next_port, first, there.instances, kept, self.operator.date())
        definition = in_colour(document, place)
        if not self._create(definition) or self.is_dry:
            return self.is_dry
        return self._swap(Pair(self.marathon.app(definition["id"]), there, is_hybrid=kept > 0))

    def _create(self, definition: Mapping[str, Any]) -> bool:
        """Shows it, and has it created; what a dry run comes to."""
        shown = msgspec.json.encode(definition, order="sorted")
        self.operator.show(msgspec.json.format(shown, indent=2).decode())
        if self.is_dry:
            return True
        if not self.operator.agrees(f"About to create {definition['id']}. Continue?"):
            return False
        self.marathon.create(definition)
        self.operator.tell(f"{definition['id']} is created")
        return True

    def _swap(self, pair: Pair) -> bool:
        """Round after round, until one colour is gone or both have what they keep."""
        while True:
            pair = Pair(self.marathon.app(pair.new.id), self.marathon.app(pair.old.id), pair.is_hybrid)
            if pair.new.is_deploying:
                self.operator.sleep(self.pace.step_delay_s)
                continue
            if is_hybrid_end(pair):
                self.operator.tell(f"{pair.new.id} and {pair.old.id} have what they keep")
                return True
            task_ids = self._wait(pair)
            if is_full_end(pair, task_ids):
                return self._delete(pair.old)
            if task_ids and not self._kill(pair, task_ids):
                return False
            instances = next_instances(pair, self.pace.linear_increase)
            if instances > pair.new.instances:
                self.operator.tell(f"{pair.new.id} gets {instances} instances")
                self.marathon.scale(pair.new.id, instances)

    def _wait(self, pair: Pair) -> tuple[str, ...]:
        """The old tasks that may be killed, as soon as some may, or when the time is over.

        Raises BalancerSilent where no balancer says anything at first, or none has the backend in all that time: it
        would never be otherwise.
        """
        until_s, seen = self.operator.now_s() + self.pace.max_wait_s, self._first_look(pair)
        told = ""
        while reason := hold_up(pair, seen) if seen else "no balancer answers":
            if self.operator.now_s() >= until_s:
                return self._overdue(pair, seen, reason)
            if reason != told:
                self.operator.tell(reason)
            told = reason
            self.operator.sleep(self.pace.step_delay_s)
            seen = self._look(pair)
        return drained_tasks(pair, seen)

    def _first_look(self, pair: Pair) -> Seen:
        self.operator.sleep(self.pace.step_delay_s)
        return self.balancers.look(pair)

    def _look(self, pair: Pair) -> Seen:
        """Nothing where no balancer answers: it may do so the next time."""
        try:
            return self.balancers.look(pair)
        except BalancerSilent as error:
            self.operator.tell(str(error))
            return ()

    def _overdue(self, pair: Pair, seen: Seen, reason: str) -> tuple[str, ...]:
        self.operator.tell(f"waited {self.pace.max_wait_s:g} s: {reason}")
        if seen and not is_named(seen):
            raise BalancerSilent(
                f"no balancer has a server in backend {pair.new.backend}: is the group {pair.new.group} theirs? "
                f"{pair.new.id} has {pair.new.instances} instances, {pair.old.id} has {pair.old.instances}"
            )
        return overdue_tasks(pair, seen) if seen else ()

    def _kill(self, pair: Pair, task_ids: Sequence[str]) -> bool:
        self.operator.before_kill(pair, task_ids)
        if not self.operator.agrees(
            f"About to kill {len(task_ids)} of {pair.old.id}: {', '.join(task_ids)}. Continue?"
        ):
            return False
        self.marathon.kill(task_ids)
        self.operator.tell(f"{len(task_ids)} tasks of {pair.old.id} are killed")
        return True

    def _delete(self, old: Colour) -> bool:
        if not self.operator.agrees(f"About to delete {old.id}. Continue?"):
            return False
        self.marathon.delete(old.id)
        self.operator.tell(f"{old.id} is deleted")
        return True
