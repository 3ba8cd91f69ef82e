"""What holds for all commands that go on until they are stopped."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """To be interrupted is how such a command ends: no error, exit status 0."""
    try:
        yield
    except KeyboardInterrupt:
        return
