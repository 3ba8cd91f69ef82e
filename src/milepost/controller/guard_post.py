"""The guard's place in the line: between the source and what is kept and served."""

import time
from collections.abc import Callable

import anyio

from milepost.controller.board import Board
from milepost.controller.guard import Guard, Holding, Verdict
from milepost.controller.timing import NEVER
from milepost.model.notice import Notify, RemovalsHeld, RemovalsReleased
from milepost.model.snapshot import Snapshot

_SHOWN = 20  # apps that a notice names
_FRESH_S = 3600.0


class GuardPost:
    """Lets snapshots pass to `accept` as far as the guard does, and tells what it holds.

    It stands behind one source, `source`: what others say is not weighed with it. `look_again` asks that for another
    read of all apps, with the reason. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        guard: Guard,
        accept: Callable[[Snapshot], None],
        look_again: Callable[[str], None],
        board: Board,
        notify: Notify,
        clock: Callable[[], float] = time.monotonic,
        source: str = "marathon",
    ) -> None:
        self._guard, self._accept, self._look_again = guard, accept, look_again
        self._board, self._notify, self._source, self._clock = board, notify, source, clock
        self._newest: Snapshot | None = None
        self._accepted: Snapshot | None = None
        self._due_s, self._asked_s = NEVER, -NEVER  # when a second read is needed, and which one was asked for last
        self._changed = anyio.Event()

    def remember(self, kept: Snapshot, now_s: float) -> None:
        """The last good snapshot from before the start: the source's first one is judged against it.

        Where it was read more than an hour before `now_s` (Unix time) much may be different by right: a second read is
        enough then.
        """
        self._guard.remember(kept.apps, asks_operator=now_s - kept.read_at_s <= _FRESH_S)

    def publish(self, snapshot: Snapshot) -> None:
        """The source's newest."""
        self._newest = snapshot
        self._pass(self._guard.judge(snapshot, self._clock()), by_operator=False)

    def approve(self) -> Holding | None:
        """An operator lets pass what is held: what that was, None where nothing is."""
        held = self._board.holdings.get(self._source)
        if held is not None and self._newest is not None:
            self._pass(self._guard.approve(self._newest), by_operator=True)
        return held

    async def run(self) -> None:
        """Ask for second reads when they are due, until cancelled."""
        while True:
            with anyio.move_on_after(self._due_s - self._clock()):
                await self._changed.wait()
            self._changed = anyio.Event()
            if self._due_s <= self._clock():
                self._asked_s, self._due_s = self._due_s, NEVER
                self._look_again("the guard asks for a second read")

    def _pass(self, verdict: Verdict, *, by_operator: bool) -> None:
        self._tell(verdict.holding, by_operator=by_operator)
        if self._is_news(verdict.snapshot):
            self._accepted = verdict.snapshot
            self._accept(verdict.snapshot)
        due_s = verdict.look_again_s if verdict.look_again_s > self._asked_s else NEVER
        if due_s != self._due_s:
            self._due_s = due_s
            self._changed.set()

    def _is_news(self, snapshot: Snapshot) -> bool:
        """A source also tells what changes nothing but the guard's mind."""
        known = self._accepted
        if known is None or snapshot.apps is not known.apps:
            return True
        return (snapshot.problems, snapshot.read_begun_s) != (known.problems, known.read_begun_s)

    def _tell(self, held: Holding | None, *, by_operator: bool) -> None:
        before = self._board.holdings.pop(self._source, None)
        if held is not None:
            self._board.holdings[self._source] = held
        if held is None:
            if before is not None:
                self._notify(RemovalsReleased(before.tasks, by_operator))
        elif before is None or (held.apps, held.needs_approval) != (before.apps, before.needs_approval):
            self._notify(RemovalsHeld(held.tasks, held.serving, held.apps[:_SHOWN], held.needs_approval))
