"""What milepost costs a Marathon: a burst of events is a bounded number of small reads, a flapping one is spared."""

from collections import Counter
from functools import partial

import pytest

from milepost.model.notice import SourceFailed
from support.fake_marathon import FakeMarathon, app, task
from support.watching import Watch, settings_for, watching

pytestmark = [pytest.mark.anyio, pytest.mark.system]

APPS, EVENTS, UNKNOWN, READERS = 300, 10_000, 20, 4


def name(number: int) -> str:
    return f"/app{number}"


def is_up_to_date(watch: Watch) -> bool:
    """Whether each app has its new task, and no other."""
    known = watch.snapshots[-1].apps
    return all([one.id for one in known[name(n)].tasks] == [f"app{n}.new"] for n in range(APPS))


def has_opened(streams: int, marathon: FakeMarathon) -> bool:
    return marathon.asked("/v2/events") == streams


async def test_ten_thousand_events_cost_two_small_reads_of_each_app_at_most_and_no_full_one() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(*(app(name(n), [task(f"app{n}.old")]) for n in range(APPS)), app("/last", [task("last.1")]))
        async with watching(settings_for(marathon)) as watch:
            await watch.until(lambda watch: watch.snapshots)
            await marathon.streams(1)
            asked = len(marathon.requests)
            held = [marathon.hold(f"/v2/apps{name(n)}") for n in range(READERS)]  # all that read are kept busy
            for n in range(EVENTS):
                told = name(n % APPS) if n < EVENTS - UNKNOWN else f"/unknown{n}"
                marathon.push("status_update_event", appId=told, taskId=f"t{n}", taskStatus="TASK_RUNNING")
            marathon.push("status_update_event", appId="/last", taskId="last.1", taskStatus="TASK_KILLING")
            await watch.until(lambda watch: watch.states("/last") != ["TASK_RUNNING"])  # so all before it were heard
            marathon.put(*(app(name(n), [task(f"app{n}.new")]) for n in range(APPS)))
            for one in held:
                one.set()
            await watch.until(is_up_to_date)
            await marathon.until(lambda fake: len(fake.requests) - asked >= APPS + READERS + UNKNOWN + 1)
        reads = Counter(request.path for request in marathon.requests[asked:])
        assert reads["/v2/apps"] == 0
        assert sum(reads.values()) == APPS + READERS + UNKNOWN + 1
        assert max(reads.values()) == 2
        assert not [app_id for app_id in watch.snapshots[-1].apps if app_id.startswith("/unknown")]


async def test_streams_that_end_at_once_cost_ever_rarer_tries_and_one_full_read_for_all_that_ended_during_one() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(app("/web", [task("web.1")]))
        held = marathon.hold("/v2/apps")
        settings = settings_for(marathon, first_backoff_s=0.01, max_backoff_s=0.05)
        async with watching(settings, chance=lambda: 0.0) as watch:
            for streams in range(1, 8):
                await marathon.until(partial(has_opened, streams))
                await marathon.streams(1)
                marathon.drop_streams()
            await marathon.until(partial(has_opened, 8))
            assert marathon.asked("/v2/apps") == 1
            held.set()
            await marathon.until(lambda fake: fake.asked("/v2/apps") == 2)
            await watch.until(lambda watch: watch.app("/web"))
        assert marathon.asked("/v2/apps") == 2
        waits = [notice.retry_s for notice in watch.notices if isinstance(notice, SourceFailed)]
        assert waits == sorted(waits)
        assert waits[-1] == settings.max_backoff_s > waits[0]
