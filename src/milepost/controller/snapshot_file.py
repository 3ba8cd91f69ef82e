"""The last accepted snapshot in a file, so that a start without a scheduler has something to serve.

One JSON value a line, in batches: what the batch is and how many apps follow, then each app. The first batch is a whole
snapshot, each later one what changed since. It holds labels, and with them what owners think secret, so only milepost's
own user can read it.
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from milepost.errors import MilepostError
from milepost.model.problem import Problem
from milepost.model.shared_map import SharedMap, changed
from milepost.model.snapshot import App, Snapshot

VERSION = 1
_SLICE = 16  # apps that are encoded before the event loop's thread may go on
_app_decoder = msgspec.json.Decoder(App)


@dataclass(frozen=True, slots=True)
class _Head:
    """`apps` is how many lines follow; `gone` are the ids of those that were there before and are no more."""

    version: int
    source: str
    read_at_s: float
    apps: int
    problems: tuple[Problem, ...] = ()
    gone: tuple[str, ...] = ()


class SnapshotFile:
    """`snapshot.jsonl` in `state_dir` while it holds the newest, `snapshot.old.jsonl` once there is a newer one.

    The name tells the two apart, since a rename is all that there is time for when a newer one is accepted.
    """

    def __init__(self, state_dir: Path) -> None:
        self._newest, self._old = state_dir / "snapshot.jsonl", state_dir / "snapshot.old.jsonl"
        self._written: Snapshot | None = None  # what the file holds, as far as this process wrote it
        self._added = 0  # about as many lines as the batches after the first have

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
        """Keep it whole or not at all; whether it is the newest still is to be told afterwards. Raises MilepostError.

        Costs what changed since the last time, but for the few times that all is written anew. Meant for a thread.
        """
        written, self._written = self._written, None  # after a failure nobody knows what the file holds
        try:
            if written is None or self._added >= len(snapshot.apps) or not self._add(written, snapshot):
                self._write_whole(snapshot)
        except OSError as error:
            raise MilepostError(f"{self._newest} cannot be written: {error.strerror}") from error
        self._written = snapshot

    def _add(self, before: Snapshot, snapshot: Snapshot) -> bool:
        """Write what changed behind what is there; False where that is not there."""
        apps = [snapshot.apps[app_id] for app_id in changed(before.apps, snapshot.apps)]
        gone = tuple(app_id for app_id in changed(snapshot.apps, before.apps) if app_id not in snapshot.apps)
        try:
            descriptor = os.open(self._old, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            return False
        _write(descriptor, _head_of(snapshot, len(apps), gone), apps)
        self._added += 1 + len(apps) + len(gone) + len(snapshot.problems)
        return True

    def _write_whole(self, snapshot: Snapshot) -> None:
        beside = self._newest.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        _write(descriptor, _head_of(snapshot, len(snapshot.apps)), snapshot.apps.values())
        beside.rename(self._old)
        self._added = 0


def _head_of(snapshot: Snapshot, apps: int, gone: tuple[str, ...] = ()) -> _Head:
    return _Head(VERSION, snapshot.source, snapshot.read_at_s, apps, snapshot.problems, gone)


def _write(descriptor: int, head: _Head, apps: Iterable[App]) -> None:
    """In one go ten thousand apps would keep an event waiting: other threads get their turn between slices."""
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(head) + b"\n")
        for number, app in enumerate(apps, 1):
            file.write(msgspec.json.encode(app) + b"\n")
            if number % _SLICE == 0:
                time.sleep(0)
        file.flush()
        os.fsync(file.fileno())


def _decoded(content: bytes) -> Snapshot:
    """Raises ValueError (of which msgspec's errors are) for anything but whole snapshots of our version.

    A last batch that is not all there is one that was being written when milepost was killed: what was before holds.
    """
    lines = iter(content.splitlines(keepends=True) or [b""])
    head, apps = _batch(lines)
    while (after := _next_batch(lines)) is not None:
        head, changes = after
        for app_id in head.gone:
            apps.pop(app_id, None)
        apps |= changes
    return Snapshot(SharedMap(apps), head.source, head.read_at_s, head.problems, is_saved=True)


def _next_batch(lines: Iterator[bytes]) -> tuple[_Head, dict[str, App]] | None:
    try:
        return _batch(lines)
    except _CutShortError:
        return None


class _CutShortError(ValueError):
    """The content ends within a batch."""


def _batch(lines: Iterator[bytes]) -> tuple[_Head, dict[str, App]]:
    first = _line(lines)
    version = msgspec.json.decode(first, type=dict[str, Any]).get("version")
    if version != VERSION:
        raise ValueError(f"expected version {VERSION}, got {version}")
    head = msgspec.json.decode(first, type=_Head)
    apps = [_app_decoder.decode(_line(lines)) for _ in range(head.apps)]
    return head, {app.id: app for app in apps}


def _line(lines: Iterator[bytes]) -> bytes:
    line = next(lines, b"")
    if not line.endswith(b"\n"):
        raise _CutShortError("it ends too early")
    return line
