"""Hints that wait, and who gets them."""

import anyio
import pytest
from anyio.lowlevel import checkpoint

from milepost.model.snapshot import Cause
from milepost.sources.marathon.hints import Hint, Hints, Wish

pytestmark = pytest.mark.anyio


def hint(app_id: str, reason: str = "event", heard_s: float = 1.0) -> Hint:
    return Hint(app_id, (Cause(reason, app_id, heard_s),), heard_s)


async def test_a_thousand_hints_of_one_app_are_one_with_the_first_cause_of_each_kind() -> None:
    hints = Hints()
    for number in range(1000):
        hints.add(hint("/web", f"event {number % 2}", float(number)))
    taken = await hints.take()
    assert {(cause.reason, cause.heard_at_s) for cause in taken.causes} == {("event 0", 0.0), ("event 1", 1.0)}
    assert taken.newest_s == 999.0
    assert len(hints) == 0


async def test_an_app_is_not_given_to_two_readers_at_a_time() -> None:
    hints = Hints()
    hints.add(hint("/web"))
    first = await hints.take()
    hints.add(hint("/web"))
    hints.add(hint("/db"))
    assert (await hints.take()).app_id == "/db"
    got: list[Hint] = []

    async def take() -> None:
        got.append(await hints.take())

    async with anyio.create_task_group() as group:
        group.start_soon(take)
        for _ in range(10):
            await checkpoint()
        assert not got
        hints.done(first)
    assert [taken.app_id for taken in got] == ["/web"]


async def test_of_several_readers_that_wait_each_gets_an_app() -> None:
    hints, got = Hints(), []

    async def take() -> None:
        got.append((await hints.take()).app_id)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(take)
            for app_id in ("/a", "/b", "/c"):
                for _ in range(10):
                    await checkpoint()
                hints.add(hint(app_id))
    assert sorted(got) == ["/a", "/b", "/c"]


async def test_a_full_read_answers_the_hints_heard_before_it_began() -> None:
    hints = Hints()
    hints.add(hint("/old", heard_s=1.0))
    hints.add(hint("/new", heard_s=1.0))
    hints.add(hint("/new", heard_s=3.0))
    assert [cause.app_id for cause in hints.answered(2.0)] == ["/old"]
    assert len(hints) == 1
    assert (await hints.take()).app_id == "/new"


async def test_wishes_are_one_until_taken() -> None:
    wish = Wish()
    wish.add("timer")
    wish.add("stream")
    wish.add("timer")
    await wish.wait(60.0)
    assert wish.take() == ("timer", "stream")
    assert wish.take() == ()
