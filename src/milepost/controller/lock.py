"""One milepost per state directory: two would undo each other's changes."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from milepost.errors import MilepostError


def is_held(state_dir: Path) -> bool:
    """Whether a milepost runs with this directory now. Raises MilepostError where this user may not know."""
    try:
        with (state_dir / "milepost.lock").open() as file:  # never made here: it would be of another user's
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        raise MilepostError(f"{state_dir} cannot be read: {error.strerror}; be the user of milepost or root") from error
    return False


@contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Hold the directory for the length of a block; it is made if it is not there.

    The lock is the kernel's and ends with the process, however that ends. Raises MilepostError where another
    milepost holds it, or where the directory cannot be written.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        file = (state_dir / "milepost.lock").open("a")
    except OSError as error:
        raise MilepostError(
            f"state_dir {state_dir} cannot be written: {error.strerror}; nothing was started"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MilepostError(
                f"another milepost runs with state_dir {state_dir}; it goes on, this one was not started"
            ) from error
        yield
