"""The folder of one scheduler: state that lasts, and everything that ends with it."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from milepost.errors import MilepostError

PASSING = ("tasks", "sessions")  # parts of a lasting folder that end with the scheduler


@contextmanager
def own_folder(state_dir: Path | None, *, keeps_tasks: bool = False) -> Iterator[Path]:
    """`state_dir`, or a temporary folder, for this scheduler alone; afterwards only a lasting folder's state is left,
    and with `keeps_tasks` what belongs to its tasks.

    Raises MilepostError if another scheduler has it, or it cannot be made.
    """
    if state_dir is None:
        with tempfile.TemporaryDirectory(prefix="milepost-local-", ignore_cleanup_errors=True) as name:
            os.chmod(name, 0o711)  # noqa: S103  # tasks of other users go through it to their sandboxes
            yield Path(name).resolve()
        return
    with _locked(state_dir):
        if not keeps_tasks:
            _clear(state_dir)
        try:
            yield state_dir.resolve()
        finally:
            if not keeps_tasks:
                _clear(state_dir)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder itself; the kernel takes it back whatever becomes of us."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        problem = f"the folder {folder} cannot be used for the state"
        raise MilepostError(f"{problem}, nothing was started: {error.strerror or error}") from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise MilepostError(f"the folder {folder} is in use by another local scheduler; nothing was started") from error


def _clear(folder: Path) -> None:
    for part in PASSING:
        shutil.rmtree(folder / part, ignore_errors=True)
