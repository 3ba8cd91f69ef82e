"""Tasks that outlive their scheduler: a file each, so that the next one finds them."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Collection
from pathlib import Path

import msgspec

from milepost.errors import MilepostError
from milepost.local.runtimes.leader import identity
from milepost.local.scheduler.effects import LaunchTask, Survivor


class _File(msgspec.Struct, frozen=True):
    task: Survivor
    pid: int
    identity: str


class KeptTasks:
    """Files `<folder>/<task id>.json`, from the start of a task's process to its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._pids: dict[str, int] = {}

    def note(self, launch: LaunchTask, pid: int) -> None:
        """The task's process runs. One that is gone already leaves no note."""
        found = identity(pid)
        if found is None:
            return
        task = Survivor(launch.task_id, launch.definition, launch.node, launch.ports, time.time())
        beside = self._path(launch.task_id).with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(_File(task, pid, found)))
        os.replace(beside, self._path(launch.task_id))

    def forget(self, task_id: str) -> None:
        self._path(task_id).unlink(missing_ok=True)

    def pid(self, task_id: str) -> int | None:
        """The process of a task that was found alive, told once: whoever asks takes it over."""
        return self._pids.pop(task_id, None)

    def find(self, sandboxes: Path, others: Collection[str] = ()) -> list[Survivor]:
        """The tasks that still run. What is left of all but these and `others` goes, task ids of another runtime.

        Raises MilepostError for an unreadable file.
        """
        files = [_read(path) for path in sorted(self._folder.glob("*.json"))]
        alive = [each for each in files if identity(each.pid) == each.identity]
        self._pids = {each.task.task_id: each.pid for each in alive}
        for path in self._folder.iterdir():
            if path.suffix != ".json" or path.stem not in self._pids:
                path.unlink()
        for sandbox in sandboxes.glob("*"):
            if sandbox.name not in self._pids and sandbox.name not in others:
                shutil.rmtree(sandbox, ignore_errors=True)
        return [each.task for each in alive]

    def end(self) -> None:
        """End all that were found alive, and the folder: this scheduler keeps none."""
        for task_id, pid in self._pids.items():
            with contextlib.suppress(ProcessLookupError):  # ended by itself just now
                os.killpg(pid, signal.SIGKILL)
            self.forget(task_id)
        self._pids.clear()
        self._folder.rmdir()

    def _path(self, task_id: str) -> Path:
        return self._folder / f"{task_id}.json"


def _read(path: Path) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError) as error:
        raise MilepostError(f"the kept task {path} cannot be read, nothing was started: {error}") from error
