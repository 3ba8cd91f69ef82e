"""What was accepted last: kept for the next start, and served there only where nothing better is known."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from milepost.controller.last_good import LastGood, Patience
from milepost.controller.snapshot_file import SnapshotFile
from milepost.errors import MilepostError
from milepost.model.notice import Notice, SavedSnapshotServed, SavedSnapshotUnusable, SnapshotNotSaved
from milepost.model.problem import Problem
from milepost.model.shared_map import replaced
from milepost.model.snapshot import Snapshot
from support.apps import app, snapshot, task
from support.scene import SNAPSHOT

QUICK = Patience(start_s=0.01, quiet_s=0.01, limit_s=0.05, retry_first_s=0.01, retry_limit_s=0.01)
ONE, TWO = snapshot(app("/web", task(0))), snapshot(app("/web", task(0), task(1)))


def test_a_kept_snapshot_comes_back_whole_and_says_that_it_was_kept(tmp_path: Path) -> None:
    killed = replace(task(0), state="TASK_KILLING", unconfirmed="event", read=("TASK_RUNNING", (True, False)))
    one = replace(snapshot(app("/a", killed), app("/b")), problems=(Problem("/a", "app", "odd"),))
    for whole in (SNAPSHOT, one):
        SnapshotFile(tmp_path).save(whole)
        assert SnapshotFile(tmp_path).load() == replace(whole, is_saved=True)


def test_only_its_owner_can_read_what_owners_think_secret(tmp_path: Path) -> None:
    file = SnapshotFile(tmp_path)
    file.save(ONE)
    file.catch_up()
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_the_file_tells_whether_anything_newer_was_accepted(tmp_path: Path) -> None:
    file = SnapshotFile(tmp_path)
    assert (file.load(), file.is_newest()) == (None, False)
    file.save(ONE)
    file.catch_up()
    assert file.is_newest()
    file.fall_behind()
    assert not SnapshotFile(tmp_path).is_newest()
    assert SnapshotFile(tmp_path).load() == replace(ONE, is_saved=True)


def many(*numbers: int) -> Snapshot:
    """A snapshot of so many apps, each with a task of that number."""
    return snapshot(*(app(f"/app{position}", task(number)) for position, number in enumerate(numbers)))


def bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_changed_is_written_behind_what_is_there(tmp_path: Path) -> None:
    file, first = SnapshotFile(tmp_path), many(*range(100))
    file.save(first)
    whole = bytes_in(tmp_path)
    moved = app("/app7", task(700))
    left = {app_id: one for app_id, one in replaced(first.apps, {"/app7": moved}).items() if app_id != "/app8"}
    later = [
        replace(first, apps=replaced(first.apps, {"/app7": moved}), read_at_s=5.0),
        replace(first, apps={**left, "/new": app("/new", task(800))}, problems=(Problem("/new", "app", "odd"),)),
    ]
    for changed in later:
        file.save(changed)
        assert SnapshotFile(tmp_path).load() == replace(changed, is_saved=True)
    assert bytes_in(tmp_path) < whole * 1.1


def test_the_file_is_written_anew_before_it_is_twice_as_long(tmp_path: Path) -> None:
    file, sizes = SnapshotFile(tmp_path), list[int]()
    for number in range(30):
        file.save(many(*range(9), 100 + number))
        sizes.append(bytes_in(tmp_path))
    assert SnapshotFile(tmp_path).load() == replace(many(*range(9), 129), is_saved=True)
    assert max(sizes) < 4 * sizes[0]
    assert sum(after < before for before, after in pairwise(sizes)) > 1


def test_after_a_kill_while_it_was_written_what_was_there_before_holds(tmp_path: Path) -> None:
    file = SnapshotFile(tmp_path)
    first, second = many(0, 1, 2), many(0, 1, 9)
    file.save(first)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    file.save(second)
    both = path.read_bytes()
    assert both.startswith(whole)
    for length in range(len(whole), len(both)):
        path.write_bytes(both[:length])
        assert SnapshotFile(tmp_path).load() == replace(first, is_saved=True)


def test_a_file_that_vanished_is_written_whole_again(tmp_path: Path) -> None:
    file = SnapshotFile(tmp_path)
    file.save(ONE)
    (path,) = tmp_path.iterdir()
    path.unlink()
    file.save(TWO)
    assert SnapshotFile(tmp_path).load() == replace(TWO, is_saved=True)


BROKEN: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("empty", lambda _: b""),
    ("no JSON", lambda _: b"\x00\x00\x00"),
    ("another version", lambda content: content.replace(b'"version":1', b'"version":2')),
    ("no version", lambda content: content.replace(b'"version":1', b'"edition":1')),
    ("an app short", lambda content: content[: content.rstrip().rindex(b"\n")]),
    ("half an app", lambda content: content[:-20]),
    ("an app too many", lambda content: content + content.splitlines(keepends=True)[1]),
    ("an app of another shape", lambda content: content.replace(b'"ports":[31000]', b'"ports":"31000"')),
]


@pytest.mark.parametrize("breaking", [case[1] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_broken_file_is_an_error_and_never_half_a_cluster(tmp_path: Path, breaking: Callable[[bytes], bytes]) -> None:
    file = SnapshotFile(tmp_path)
    file.save(ONE)
    (path,) = tmp_path.iterdir()
    path.write_bytes(breaking(path.read_bytes()))
    with pytest.raises(MilepostError, match=str(path)):
        file.load()


@dataclass
class Start:
    """One start of milepost: what reached the mailbox, and what was told."""

    good: LastGood = field(init=False)
    kept: Snapshot | None = None
    accepted: list[Snapshot] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def told(self, kind: type[Notice]) -> list[Notice]:
        return [notice for notice in self.notices if isinstance(notice, kind)]

    async def until(self, is_so: Callable[[], bool]) -> None:
        with anyio.fail_after(5):
            while not is_so():
                await anyio.sleep(0.002)


@asynccontextmanager
async def start(folder: Path, *, proxy_runs: bool = False, patience: Patience = QUICK) -> AsyncIterator[Start]:
    async def answer() -> bool:
        return proxy_runs

    begun = Start()
    begun.good = LastGood(SnapshotFile(folder), begun.accepted.append, begun.notices.append, patience)
    begun.kept = await begun.good.start(answer)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(begun.good.run)
        yield begun
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_start_without_a_source_serves_what_was_kept_and_says_how_old_it_is(tmp_path: Path) -> None:
    async with start(tmp_path) as first:
        first.good.publish(ONE)
    async with start(tmp_path, proxy_runs=True) as second:
        await second.until(lambda: bool(second.accepted))
        assert second.accepted == [replace(ONE, is_saved=True)]
        (notice,) = second.notices
        assert isinstance(notice, SavedSnapshotServed)
        assert (notice.source, notice.read_at_s) == ("test", 0.0)
        assert notice.age_s > 1e9
        second.good.publish(TWO)
        assert second.accepted[1:] == [TWO], "the source's first one replaces it"


@pytest.mark.anyio
async def test_a_source_that_answers_is_all_that_is_served(tmp_path: Path) -> None:
    SnapshotFile(tmp_path).save(ONE)
    async with start(tmp_path) as begun:
        begun.good.publish(TWO)
        await begun.until(lambda: SnapshotFile(tmp_path).is_newest())
    assert (begun.accepted, begun.notices) == ([TWO], [])


@pytest.mark.anyio
@pytest.mark.parametrize("proxy_runs", [True, False])
async def test_a_proxy_that_was_changed_after_what_was_kept_keeps_what_it_has(tmp_path: Path, proxy_runs: bool) -> None:
    file = SnapshotFile(tmp_path)
    file.save(ONE)
    file.catch_up()
    killed = LastGood(file, lambda _: None, lambda _: None)
    killed.publish(TWO)  # and milepost was killed before it wrote
    async with start(tmp_path, proxy_runs=proxy_runs) as begun:
        if not proxy_runs:
            await begun.until(lambda: bool(begun.accepted))
    assert begun.accepted == ([] if proxy_runs else [replace(ONE, is_saved=True)])
    assert begun.kept == replace(ONE, is_saved=True), "to judge the first read by, in either case"


@pytest.mark.anyio
async def test_what_is_published_is_kept_after_a_moment_and_the_newest_at_the_end(tmp_path: Path) -> None:
    async with start(tmp_path) as begun:
        begun.good.publish(ONE)
        await begun.until(lambda: SnapshotFile(tmp_path).is_newest())
        begun.good.publish(TWO)
        assert not SnapshotFile(tmp_path).is_newest()
    assert SnapshotFile(tmp_path).is_newest()
    assert SnapshotFile(tmp_path).load() == replace(TWO, is_saved=True)


@pytest.mark.anyio
async def test_what_is_published_later_is_kept_too(tmp_path: Path) -> None:
    async with start(tmp_path) as begun:
        for number in range(3):
            for snapshot in (many(number), many(number, number)):
                begun.good.publish(snapshot)
                await anyio.sleep(0.001)
            await begun.until(lambda: SnapshotFile(tmp_path).is_newest())
        assert SnapshotFile(tmp_path).load() == replace(many(2, 2), is_saved=True)


@pytest.mark.anyio
async def test_a_file_that_cannot_be_read_counts_as_none_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "snapshot.jsonl").write_bytes(b"{")
    async with start(tmp_path) as begun:
        await begun.until(lambda: bool(begun.told(SavedSnapshotUnusable)))
        begun.good.publish(ONE)
    assert begun.accepted == [ONE]
    assert SnapshotFile(tmp_path).load() == replace(ONE, is_saved=True)


@pytest.mark.anyio
async def test_a_place_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    async with start(folder) as begun:
        begun.good.publish(ONE)
        await begun.until(lambda: bool(begun.told(SnapshotNotSaved)))
        folder.mkdir()
        await begun.until(lambda: SnapshotFile(folder).is_newest())
    assert begun.accepted == [ONE]
