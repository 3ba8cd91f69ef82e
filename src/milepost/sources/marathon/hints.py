"""What is to be read again: single apps that events named, or all of them."""

from dataclasses import dataclass

import anyio

from milepost.model.snapshot import Cause

_REASONS = 8  # of an app's causes that are kept apart; a burst mostly repeats one


@dataclass(frozen=True, slots=True)
class Hint:
    """Look at `app_id` again. `causes` has the first of each kind, `newest_s` is when the last was heard."""

    app_id: str
    causes: tuple[Cause, ...]
    newest_s: float

    def joined(self, later: "Hint") -> "Hint":
        """Both as one hint."""
        causes = {cause.reason: cause for cause in (*later.causes, *self.causes)}
        return Hint(self.app_id, tuple(causes.values())[:_REASONS], max(self.newest_s, later.newest_s))


class Hints:
    """Hints that wait for a reader. Those of one app become one, and no app is given to two readers at a time."""

    def __init__(self) -> None:
        self._waiting: dict[str, Hint] = {}
        self._taken: set[str] = set()
        self._news = anyio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, hint: Hint) -> None:
        before = self._waiting.get(hint.app_id)
        self._waiting[hint.app_id] = before.joined(hint) if before else hint
        self._news.set()

    async def take(self) -> Hint:
        """The oldest hint whose app nobody reads; waits for one. The taker says `done` when it has read."""
        while True:
            for app_id in self._waiting:
                if app_id not in self._taken:
                    self._taken.add(app_id)
                    return self._waiting.pop(app_id)
            if self._news.is_set():  # all who wait, wait for one and the same event
                self._news = anyio.Event()
            await self._news.wait()

    def done(self, hint: Hint) -> None:
        self._taken.discard(hint.app_id)
        if hint.app_id in self._waiting:
            self._news.set()

    def answered(self, begun_s: float) -> tuple[Cause, ...]:
        """All apps were read, beginning at `begun_s`: hints heard before that have their answer. Gives their causes."""
        waiting = self._waiting
        self._waiting = {app_id: hint for app_id, hint in waiting.items() if hint.newest_s > begun_s}
        return tuple(cause for app_id in waiting.keys() - self._waiting for cause in waiting[app_id].causes)


class Wish:
    """The wish that all apps be read, with its reasons. Wishes become one until they are taken."""

    def __init__(self) -> None:
        self._reasons: dict[str, None] = {}
        self._news = anyio.Event()

    def add(self, reason: str) -> None:
        self._reasons[reason] = None
        self._news.set()

    async def wait(self, timeout_s: float) -> None:
        """Return once there is a wish, or after `timeout_s`."""
        with anyio.move_on_after(timeout_s):
            await self._news.wait()

    def take(self) -> tuple[str, ...]:
        taken = tuple(self._reasons)
        self._reasons, self._news = {}, anyio.Event()
        return taken
