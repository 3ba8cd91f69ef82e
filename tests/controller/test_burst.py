"""A burst of news is waited out, and so is the next one."""

from dataclasses import dataclass

import anyio
import pytest

from milepost.controller.burst import Burst
from milepost.controller.timing import Settle

pytestmark = pytest.mark.anyio


@dataclass
class Counted:
    """How often a burst was over."""

    burst: Burst
    times: int = 0

    async def run(self) -> None:
        while True:
            await self.burst.over()
            self.times += 1


async def test_burst_after_burst_is_waited_out_once_each() -> None:
    counted = Counted(Burst(Settle(0.02, 10.0), anyio.current_time))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(counted.run)
        for number in range(1, 4):
            for _ in range(3):
                counted.burst.news()
                await anyio.sleep(0.001)
            with anyio.fail_after(5):
                while counted.times < number:
                    await anyio.sleep(0.001)
        await anyio.wait_all_tasks_blocked()
        assert counted.times == 3
        tasks.cancel_scope.cancel()


async def test_a_burst_that_does_not_end_counts_as_over_after_its_limit() -> None:
    counted = Counted(Burst(Settle(10.0, 0.02), anyio.current_time))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(counted.run)
        with anyio.fail_after(5):
            while not counted.times:
                counted.burst.news()
                await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()


async def test_news_that_comes_when_one_is_over_begins_the_next() -> None:
    burst = Burst(Settle(0.001, 0.001), anyio.current_time)
    for _ in range(3):
        burst.news()
        with anyio.fail_after(5):
            await burst.over()
    with anyio.move_on_after(0.05) as waiting:
        await burst.over()
    assert waiting.cancelled_caught
