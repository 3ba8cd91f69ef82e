"""What a task comes to on this machine."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Program:
    """A command with its files. `note` tells who reads the task's status what runs it, "" where that is plain.

    `files` are written into the sandbox before. The task counts as started once every port of `answers_on` takes a
    connection. `stop_signal` goes to all its processes when it is asked to end.
    """

    argv: tuple[str, ...]
    note: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    answers_on: tuple[int, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM


class NotRunnable(Exception):
    """The task cannot be run here; the message is what its owner reads as the reason of the failure."""
