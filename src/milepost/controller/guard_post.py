"""The guard's place in the line: between the source and what is kept and served."""

from collections.abc import Callable

from milepost.controller.board import Board
from milepost.controller.guard import Guard, Holding, Verdict
from milepost.model.notice import Notify, RemovalsHeld, RemovalsReleased
from milepost.model.snapshot import Snapshot

_SHOWN = 20  # apps that a notice names


class GuardPost:
    """Lets snapshots pass to `accept` as far as the guard does, and tells what it holds.

    `look_again` asks the source for another read of all apps, with the reason.
    """

    def __init__(
        self,
        guard: Guard,
        accept: Callable[[Snapshot], None],
        look_again: Callable[[str], None],
        board: Board,
        notify: Notify,
    ) -> None:
        self._guard, self._accept, self._look_again = guard, accept, look_again
        self._board, self._notify = board, notify
        self._newest: Snapshot | None = None

    def publish(self, snapshot: Snapshot) -> None:
        """The source's newest."""
        self._newest = snapshot
        self._pass(self._guard.judge(snapshot), by_operator=False)

    def approve(self) -> Holding | None:
        """An operator lets pass what is held: what that was, None where nothing is."""
        held = self._board.holding
        if held is not None and self._newest is not None:
            self._pass(self._guard.approve(self._newest), by_operator=True)
        return held

    def _pass(self, verdict: Verdict, *, by_operator: bool) -> None:
        before, self._board.holding = self._board.holding, verdict.holding
        if verdict.holding is None:
            if before is not None:
                self._notify(RemovalsReleased(before.tasks, by_operator))
        elif verdict.holding != before:
            held = verdict.holding
            self._notify(RemovalsHeld(held.tasks, held.serving, held.apps[:_SHOWN], held.needs_approval))
        self._accept(verdict.snapshot)
        if verdict.look_again:
            self._look_again("the guard asks for a second read")
