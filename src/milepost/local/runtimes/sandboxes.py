"""The folders in which tasks run, one each, with what they wrote."""

import re
import shutil
from collections import deque
from pathlib import Path

SANDBOXES_KEPT = 20
TASK_ID = re.compile(r"[a-z0-9][\w.\-]*")  # as the scheduler makes them; nothing that leads out of a folder


class Sandboxes:
    """All below `folder`. Those of the latest ended tasks stay for a look at their output."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ended: deque[Path] = deque()

    def of(self, task_id: str) -> Path:
        """Where the task's is, whether or not it is there."""
        return self.folder / task_id

    def kept(self, task_id: str) -> Path | None:
        """The sandbox of a task that runs or ended lately, None where there is none."""
        sandbox = self.folder / task_id
        return sandbox if TASK_ID.fullmatch(task_id) and sandbox.is_dir() else None

    def retire(self, task_id: str) -> None:
        """The task has ended; its sandbox goes once enough others have."""
        self._ended.append(self.folder / task_id)
        while len(self._ended) > SANDBOXES_KEPT:
            shutil.rmtree(self._ended.popleft(), ignore_errors=True)
