"""The folders in which tasks run, one each, with what they wrote."""

import re
import shutil
from collections import deque
from pathlib import Path

from milepost.local.runtimes.account import OURS, Account
from milepost.local.runtimes.fetch import fetch
from milepost.local.scheduler.effects import LaunchTask

SANDBOXES_KEPT = 20
OUTPUT = ("stdout", "stderr")
TASK_ID = re.compile(r"[a-z0-9][\w.\-]*")  # as the scheduler makes them; nothing that leads out of a folder


class Sandboxes:
    """All below `folder`. Those of the latest ended tasks stay for a look at their output."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ended: deque[Path] = deque()

    def of(self, task_id: str) -> Path:
        """Where the task's is, whether or not it is there."""
        return self.folder / task_id

    async def make(self, launch: LaunchTask, account: Account = OURS, mode: int = 0o700) -> Path:
        """The task's sandbox with the files that its app fetches, all of it the account's own; others may do with it
        what `mode` says.

        Raises NotRunnable for a file that cannot be fetched, and OSError.
        """
        sandbox = self.of(launch.task_id)
        self.folder.mkdir(parents=True, exist_ok=True)
        sandbox.mkdir(mode=mode)
        for name in OUTPUT:
            (sandbox / name).touch()
        if launch.definition.fetch:
            await fetch(launch.definition.fetch, sandbox)
        account.own(sandbox)
        return sandbox

    def kept(self, task_id: str) -> Path | None:
        """The sandbox of a task that runs or ended lately, None where there is none."""
        sandbox = self.folder / task_id
        return sandbox if TASK_ID.fullmatch(task_id) and sandbox.is_dir() else None

    def retire(self, task_id: str) -> None:
        """The task has ended; its sandbox goes once enough others have."""
        self._ended.append(self.folder / task_id)
        while len(self._ended) > SANDBOXES_KEPT:
            shutil.rmtree(self._ended.popleft(), ignore_errors=True)
