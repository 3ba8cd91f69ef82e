"""The last accepted snapshot in a file, so that a start without a scheduler has something to serve.

One JSON value a line: what it is and how many apps follow, then each app. It holds labels, and with them what owners
think secret, so only milepost's own user can read it.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from milepost.errors import MilepostError
from milepost.model.problem import Problem
from milepost.model.shared_map import SharedMap
from milepost.model.snapshot import App, Snapshot

VERSION = 1
_SLICE = 16  # apps that are encoded before the event loop's thread may go on


@dataclass(frozen=True, slots=True)
class _Head:
    """`apps` is how many lines follow."""

    version: int
    source: str
    read_at_s: float
    apps: int
    problems: tuple[Problem, ...] = ()


class SnapshotFile:
    """`snapshot.jsonl` in `state_dir` while it holds the newest, `snapshot.old.jsonl` once there is a newer one.

    The name tells the two apart, since a rename is all that there is time for when a newer one is accepted.
    """

    def __init__(self, state_dir: Path) -> None:
        self._newest, self._old = state_dir / "snapshot.jsonl", state_dir / "snapshot.old.jsonl"

    def is_newest(self) -> bool:
        """Whether no later snapshot than the one in the file was ever accepted."""
        return self._newest.exists()

    def load(self) -> Snapshot | None:
        """What was kept, None where nothing was. Raises MilepostError where it cannot be read."""
        for path in (self._newest, self._old):
            try:
                return _decoded(path.read_bytes())
            except FileNotFoundError:
                continue
            except OSError as error:
                raise MilepostError(f"{path} cannot be read: {error.strerror}") from error
            except (msgspec.MsgspecError, ValueError) as error:
                raise MilepostError(f"{path} holds no snapshot of this version: {error}") from error
        return None

    def fall_behind(self) -> None:
        """A newer snapshot was accepted than the one in the file."""
        try:
            self._newest.rename(self._old)
        except OSError:
            return  # there is none, or it cannot be helped now: saving will tell

    def catch_up(self) -> None:
        """What was saved last is the newest. Raises MilepostError."""
        try:
            self._old.rename(self._newest)
        except OSError as error:
            raise MilepostError(f"{self._newest} cannot be written: {error.strerror}") from error

    def save(self, snapshot: Snapshot) -> None:
        """Write in one step; whether it is the newest still is to be told afterwards. Raises MilepostError.

        Meant for a thread.
        """
        beside = self._newest.with_suffix(".new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_encoded(snapshot))
                file.flush()
                os.fsync(file.fileno())
            beside.rename(self._old)
        except OSError as error:
            raise MilepostError(f"{self._newest} cannot be written: {error.strerror}") from error


def _encoded(snapshot: Snapshot) -> bytes:
    """In one go ten thousand apps would keep an event waiting: other threads get their turn between slices."""
    head = _Head(VERSION, snapshot.source, snapshot.read_at_s, len(snapshot.apps), snapshot.problems)
    lines = [msgspec.json.encode(head)]
    for number, app in enumerate(snapshot.apps.values()):
        lines.append(msgspec.json.encode(app))
        if number % _SLICE == 0:
            time.sleep(0)
    return b"\n".join(lines) + b"\n"


def _decoded(content: bytes) -> Snapshot:
    """Raises ValueError (of which msgspec's errors are) for anything but a whole snapshot of our version."""
    first, *lines = content.splitlines() or [b""]
    version = msgspec.json.decode(first, type=dict[str, Any]).get("version")
    if version != VERSION:
        raise ValueError(f"expected version {VERSION}, got {version}")
    head = msgspec.json.decode(first, type=_Head)
    if len(lines) != head.apps:
        raise ValueError(f"expected {head.apps} apps, got {len(lines)}")
    decoder = msgspec.json.Decoder(App)
    apps = {app.id: app for app in map(decoder.decode, lines)}
    return Snapshot(SharedMap(apps), head.source, head.read_at_s, head.problems, is_saved=True)
