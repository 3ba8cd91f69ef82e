"""A task's processes: started one after the other, watched without threads, ended all together."""

import contextlib
import errno
import itertools
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from milepost.local.runtimes.base import Control
from milepost.local.runtimes.guardian import Guardian
from milepost.local.runtimes.leader import identity
from milepost.local.runtimes.process import Processes
from milepost.local.runtimes.program import Program
from milepost.local.runtimes.turns import Turns
from support.local_server import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Guardian(tmp_path / "sessions", None) as guardian:
        yield Processes(guardian, notice_s=0.0)


@contextlib.asynccontextmanager
async def running(processes: Processes, folder: Path, script: str, tasks: int = 1) -> AsyncIterator[Control]:
    """Tasks with this script that all run; `Control` is that of the first, whose end ends the block."""
    controls = []
    async with anyio.create_task_group() as group:
        for number in range(tasks):
            started = anyio.Event()
            control = Control(lambda note, started=started: started.set(), grace_s=0.05)  # type: ignore[misc]
            sandbox = folder / f"task{number}"
            sandbox.mkdir()
            program = Program(("/bin/sh", "-c", script))
            group.start_soon(processes.run, program, sandbox, "127.0.61.1", {"PATH": os.defpath}, control)
            with anyio.fail_after(20):
                await started.wait()
            controls.append(control)
        yield controls[0]
        group.cancel_scope.cancel()


async def until_gone(*pids: int) -> None:
    async def left() -> list[int]:
        return [pid for pid in pids if identity(pid)]

    await until(left, lambda found: not found)


async def written(path: Path) -> int:
    async def read() -> str:
        return await anyio.Path(path).read_text() if await anyio.Path(path).exists() else ""

    return int(await until(read, lambda text: text.endswith("\n")))


@pytest.mark.system
async def test_no_thread_waits_for_a_task(processes: Processes, tmp_path: Path) -> None:
    before = threading.active_count()
    async with running(processes, tmp_path, "exec sleep 1000", tasks=10):
        assert threading.active_count() == before


@pytest.mark.system
@pytest.mark.parametrize("ignores", ["", "trap '' TERM; "])
@pytest.mark.parametrize("started_by", ["", "setsid "])
async def test_a_stopped_task_leaves_no_grandchild_not_even_one_in_a_session_of_its_own(
    started_by: str, ignores: str, processes: Processes, tmp_path: Path
) -> None:
    grandchild = f"{started_by}sh -c 'echo $$ > grandchild; exec sleep 1000'"
    script = f'{ignores}sh -c "{grandchild.replace("$", chr(92) + "$")} & wait" & wait; sleep 1000'
    async with running(processes, tmp_path, script) as control:
        pid = await written(tmp_path / "task0/grandchild")
        control.stop.set()
        await until_gone(pid)


@pytest.mark.system
async def test_a_task_that_ends_by_itself_leaves_no_child(processes: Processes, tmp_path: Path) -> None:
    async with running(processes, tmp_path, "sleep 1000 & echo $! > child"):
        await until_gone(await written(tmp_path / "task0/child"))


@pytest.mark.system
async def test_a_program_that_ends_before_it_answers_has_ended(processes: Processes, tmp_path: Path) -> None:
    notes = list[str]()
    program = Program(("/bin/sh", "-c", "exit 7"), answers_on=(1,))
    with anyio.fail_after(10):
        assert await processes.run(program, tmp_path, "127.0.61.1", {}, Control(notes.append)) == 7
    assert notes == []


@pytest.mark.system
async def test_a_task_of_which_no_note_can_be_kept_does_not_run(tmp_path: Path) -> None:
    started = list[int]()

    def noted(pid: int) -> None:
        started.append(pid)
        raise OSError(errno.ENOSPC, "No space left on device")

    program = Program(("/bin/sh", "-c", "exec sleep 1000"))
    with pytest.raises(OSError, match="No space left"):
        await Processes(None, 0.0).run(program, tmp_path, "127.0.61.1", {}, Control(lambda note: None), noted)
    assert [identity(pid) for pid in started] == [None]


async def test_others_have_their_turn_between_any_two_starts() -> None:
    turns, seen = Turns(), []

    async def start() -> None:
        async with turns.one():
            seen.append("start")

    async def other() -> None:
        while True:
            seen.append("other")
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(other)
        async with anyio.create_task_group() as starts:
            for _ in range(20):
                starts.start_soon(start)
        group.cancel_scope.cancel()
    assert seen.count("start") == 20
    assert ("start", "start") not in itertools.pairwise(seen)


async def test_a_start_leaves_as_much_time_as_it_took() -> None:
    turns, begun_s = Turns(), []
    for _ in range(3):
        async with turns.one():
            begun_s.append(anyio.current_time())
            while anyio.current_time() - begun_s[-1] < 0.01:
                pass
    assert all(later - sooner > 0.019 for sooner, later in itertools.pairwise(begun_s))


async def test_a_start_that_is_given_up_while_it_waits_for_its_turn_holds_nobody_up() -> None:
    turns = Turns()
    with anyio.move_on_after(0):
        async with turns.one():
            raise AssertionError("it was given up")
    with anyio.fail_after(20):
        async with turns.one():
            pass
