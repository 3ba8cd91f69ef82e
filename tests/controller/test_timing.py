from hypothesis import given
from hypothesis import strategies as st

from milepost.controller.timing import NEVER, Agenda, Allowance, Backoff, Job, Settle, Spacing

times = st.floats(0, 1e6, allow_nan=False)


def test_nothing_touched_is_never_due() -> None:
    assert Settle(0.2, 2.0).due_s == NEVER


def test_a_burst_is_over_after_quiet() -> None:
    assert Settle(0.2, 2.0).touched(10.0).touched(10.1).due_s == 10.1 + 0.2


def test_a_burst_that_does_not_end_is_cut_at_the_limit() -> None:
    settle = Settle(0.2, 2.0)
    for tenth in range(100):
        settle = settle.touched(10.0 + tenth / 10)
    assert settle.due_s == 12.0


@given(st.lists(times, min_size=1).map(sorted))
def test_a_settle_is_due_between_its_last_touch_and_its_limit(touches: list[float]) -> None:
    settle = Settle(0.2, 2.0)
    for at_s in touches:
        settle = settle.touched(at_s)
    assert settle.due_s <= touches[0] + 2.0
    assert settle.due_s == min(touches[-1] + 0.2, touches[0] + 2.0)


def test_what_was_never_done_may_be_done_at_once() -> None:
    assert Spacing(5.0).due_s == -NEVER


@given(times, times)
def test_what_was_done_is_due_again_an_interval_later(interval_s: float, at_s: float) -> None:
    assert Spacing(interval_s).done(at_s - 1).done(at_s).due_s == at_s + interval_s


@given(st.integers(0, 2000))
def test_waits_grow_and_stay_within_their_limit(failures: int) -> None:
    backoff = Backoff(0.1, 30.0)
    for _ in range(failures):
        longer = backoff.failed()
        assert backoff.wait_s <= longer.wait_s <= 30.0
        backoff = longer
    assert backoff.succeeded().wait_s == 0.0


@given(st.dictionaries(st.sampled_from(Job), times))
def test_an_agenda_names_its_earliest_job(due: dict[Job, float]) -> None:
    agenda = Agenda()
    for job, at_s in due.items():
        agenda = agenda.at(job, at_s + 1).at(job, at_s)
    assert agenda.next_s == min(due.values(), default=NEVER)
    assert {job for job in Job if agenda.is_due(job, 1e9)} == set(due)


def test_a_job_that_is_never_due_is_off_the_agenda() -> None:
    assert Agenda().at(Job.COLLECT, 1.0).at(Job.COLLECT, NEVER) == Agenda()


@given(st.lists(st.floats(0.0, 3.0), max_size=50))
def test_an_allowance_gives_what_was_saved_up_and_then_one_at_a_time(waits: list[float]) -> None:
    allowance, now_s, given = Allowance(1.0, 5), 100.0, 0
    for wait_s in waits:
        now_s += wait_s
        if allowance.is_enough(now_s):
            allowance, given = allowance.taken(now_s), given + 1
    assert min(len(waits), 5) <= given <= 5 + now_s - 100.0


def test_an_allowance_that_is_used_up_comes_back_with_time() -> None:
    allowance = Allowance(1.0, 2).taken(0.0).taken(0.0)
    assert [allowance.is_enough(at_s) for at_s in (0.0, 0.9, 1.0)] == [False, False, True]
