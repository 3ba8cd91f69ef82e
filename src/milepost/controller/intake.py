"""From the sources to the one snapshot: each source past a guard of its own, then all of them through the junction."""

from collections.abc import Mapping

import anyio

from milepost.controller.board import Board
from milepost.controller.guard import Guard, Holding, all_held
from milepost.controller.guard_post import GuardPost
from milepost.controller.junction import Junction
from milepost.model.notice import Notify
from milepost.model.snapshot import Snapshot
from milepost.sources.base import Source


class Intake:
    """Runs the sources. `guards` has one for each source whose reads may be wrong, by name."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        guards: Mapping[str, Guard],
        junction: Junction,
        board: Board,
        notify: Notify,
    ) -> None:
        self._sources, self._junction = sources, junction
        self._posts = {
            name: GuardPost(guard, junction.entry(name), sources[name].look_again, board, notify, source=name)
            for name, guard in guards.items()
        }

    def remember(self, kept: Snapshot, now_s: float) -> None:
        """The last good snapshot from before the start, at `now_s` (Unix time): each source and guard has its share."""
        self._junction.remember(kept)
        for name, source in self._sources.items():
            share = self._junction.share(kept, name)
            source.remember(share)
            if name in self._posts:
                self._posts[name].remember(share, now_s)

    def approve(self) -> Holding | None:
        """An operator lets pass what is held of any source: what that was, None where nothing is."""
        held = (post.approve() for post in self._posts.values())
        return all_held([holding for holding in held if holding is not None])

    def look_again(self, reason: str) -> None:
        """Have every source read all it has once more."""
        for source in self._sources.values():
            source.look_again(reason)

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._junction.run)
            for name, source in self._sources.items():
                if post := self._posts.get(name):
                    tasks.start_soon(post.run)
                tasks.start_soon(source.run, post.publish if post else self._junction.entry(name))
