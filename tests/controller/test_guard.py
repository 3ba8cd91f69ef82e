"""What a read may take away at once, what it may not, and who can say that it may."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.controller.board import Board
from milepost.controller.guard import Guard, Holding, Limits, Verdict
from milepost.controller.guard_post import GuardPost
from milepost.model.notice import Notice, RemovalsHeld, RemovalsReleased
from milepost.model.snapshot import App, Cause, Snapshot, Task
from support.apps import app, snapshot, task

LIMITS = Limits(share=0.25, approve_share=0.5, approve_from=10)


def serves(task: Task, _: App) -> bool:
    return task.state == "TASK_RUNNING"


def many(app_id: str, count: int, first: int = 0) -> App:
    return app(app_id, *(task(first + number, app=app_id[1:]) for number in range(count)))


def read(at_s: float, *apps: App) -> Snapshot:
    """What a read of all apps shows."""
    return replace(snapshot(*apps), read_at_s=at_s)


def event(seen: Snapshot, app_id: str, *apps: App) -> Snapshot:
    """What is known after an event about `app_id`, and the read of that app."""
    return replace(snapshot(*apps), read_at_s=seen.read_at_s, causes=(Cause("status_update_event", app_id, 1.0),))


def guarded(*apps: App) -> tuple[Guard, Snapshot]:
    guard, first = Guard(LIMITS, serves), read(1.0, *apps)
    assert guard.judge(first) == Verdict(first, None, look_again=False)
    return guard, first


def ids(verdict: Verdict) -> dict[str, list[str]]:
    return {app.id: [task.id for task in app.tasks] for app in verdict.snapshot.apps.values()}


WEB, API, BIG = many("/web", 2), many("/api", 1, 50), many("/big", 20, 100)


def test_a_read_that_empties_a_service_is_held_until_a_second_one_says_the_same() -> None:
    guard, _ = guarded(WEB, API, BIG)
    held = guard.judge(read(2.0, WEB, BIG))
    assert held.look_again
    assert held.holding == Holding(("/api",), tasks=1, serving=23, needs_approval=False)
    assert ids(held)["/api"] == ["api.50"]
    confirmed = guard.judge(read(3.0, WEB, BIG))
    assert confirmed == Verdict(read(3.0, WEB, BIG), None, look_again=False)


def test_a_read_that_takes_much_is_held_though_no_service_would_be_empty() -> None:
    guard, _ = guarded(WEB, BIG)
    less = replace(BIG, tasks=BIG.tasks[:12])
    held = guard.judge(read(2.0, WEB, less))
    assert held.holding == Holding(("/big",), tasks=8, serving=22, needs_approval=False)
    assert ids(held)["/big"] == [task.id for task in BIG.tasks]
    assert guard.judge(read(3.0, WEB, less)).holding is None


def test_a_read_that_takes_little_passes() -> None:
    guard, _ = guarded(WEB, BIG)
    assert guard.judge(read(2.0, WEB, replace(BIG, tasks=BIG.tasks[:16]))).holding is None


def test_what_comes_back_was_never_away() -> None:
    guard, _ = guarded(WEB, BIG)
    assert guard.judge(read(2.0)).holding
    back = guard.judge(read(3.0, WEB, BIG))
    assert (back.holding, back.look_again) == (None, False)


def test_what_takes_too_much_waits_for_an_operator_however_often_it_is_read() -> None:
    guard, _ = guarded(WEB, BIG)
    guard.judge(read(2.0, WEB))
    for at_s in (3.0, 4.0, 5.0):
        held = guard.judge(read(at_s, WEB))
        assert held.holding == Holding(("/big",), tasks=20, serving=22, needs_approval=True)
        assert not held.look_again
    assert guard.approve(read(5.0, WEB)) == Verdict(read(5.0, WEB), None, look_again=False)
    assert guard.judge(read(6.0, WEB)).holding is None


@pytest.mark.parametrize(("left", "needs"), [((API,), False), ((), True)])
def test_a_few_tasks_need_no_operator_unless_they_are_all(left: tuple[App, ...], needs: bool) -> None:
    guard, _ = guarded(WEB, API)
    guard.judge(read(2.0, *left))
    held = guard.judge(read(3.0, *left)).holding
    assert (held is not None) == needs


def test_what_an_event_spoke_of_is_never_held() -> None:
    guard, first = guarded(WEB, API)
    assert guard.judge(event(first, "/api", WEB)).holding is None
    killed = replace(WEB, tasks=tuple(replace(one, state="TASK_KILLED") for one in WEB.tasks))
    assert guard.judge(event(first, "/web", killed)).holding is None
    assert guard.judge(read(2.0)).holding is None, "they are gone already"


def test_an_event_about_a_held_service_decides_it() -> None:
    guard, _ = guarded(WEB, API, BIG)
    held = guard.judge(read(2.0, WEB, BIG))
    assert held.holding
    assert guard.judge(event(held.snapshot, "/api", WEB, BIG)).holding is None


def test_a_replaced_task_is_no_loss() -> None:
    guard, _ = guarded(WEB, API)
    rolled = many("/web", 2, 10)
    passed = guard.judge(read(2.0, rolled, API))
    assert (passed.holding, ids(passed)["/web"]) == (None, ["web.10", "web.11"])


def test_while_removals_are_held_all_else_goes_on() -> None:
    guard, _ = guarded(WEB, API, BIG)
    new, moved = many("/new", 1, 70), many("/web", 3)
    labelled = app("/api", labels={"HAPROXY_0_MODE": "http"}, port=10_007)
    held = guard.judge(read(2.0, moved, labelled, BIG, new))
    assert ids(held) == {
        "/web": [task.id for task in moved.tasks],
        "/api": ["api.50"],
        "/big": [task.id for task in BIG.tasks],
        "/new": ["new.70"],
    }
    assert held.snapshot.apps["/api"].definition is labelled.definition
    later = guard.judge(event(held.snapshot, "/web", WEB, labelled, BIG, new))
    assert later.holding
    assert ids(later)["/web"] == ["web.0", "web.1"]
    assert later.snapshot.apps["/api"] is held.snapshot.apps["/api"]


def test_a_task_that_is_there_but_no_longer_well_stays_as_it_was_too() -> None:
    guard, _ = guarded(WEB, BIG)
    ill = replace(WEB, tasks=tuple(replace(one, state="TASK_STAGING") for one in WEB.tasks))
    assert guard.judge(read(2.0, ill, BIG)).snapshot.apps["/web"].tasks == WEB.tasks


def test_a_service_that_another_read_empties_beside_a_held_one_is_held_in_its_turn() -> None:
    guard, _ = guarded(WEB, API, BIG)
    guard.judge(read(2.0, WEB, BIG))
    second = guard.judge(read(3.0, BIG))
    assert (second.look_again, second.holding and second.holding.apps) == (True, ("/web",))
    assert guard.judge(read(4.0, BIG)).holding is None


clusters = st.dictionaries(st.sampled_from(["/a", "/b", "/c"]), st.integers(0, 12), max_size=3)


@given(st.lists(clusters, min_size=1, max_size=6))
def test_one_read_alone_never_empties_a_service_and_two_equal_ones_settle_all(history: list[dict[str, int]]) -> None:
    guard = Guard(LIMITS, serves)
    before: Verdict | None = None
    for at_s, cluster in enumerate(history, 1):
        seen = read(float(at_s), *(many(app_id, count) for app_id, count in cluster.items()))
        verdict = guard.judge(seen)
        assert {task.id for app in seen.apps.values() for task in app.tasks} <= {
            task.id for app in verdict.snapshot.apps.values() for task in app.tasks
        }
        if before is None or before.holding is None:
            served = [app_id for app_id, tasks in (ids(before) if before else {}).items() if tasks]
            assert all(ids(verdict)[app_id] for app_id in served)
        before = verdict
    again = guard.judge(replace(seen, read_at_s=99.0))
    assert again.holding is None or again.holding.needs_approval
    assert not again.look_again


def test_holding_is_told_once_and_so_is_its_end() -> None:
    board, notices, accepted, asked = Board(started_at_s=0.0), list[Notice](), list[Snapshot](), list[str]()
    post = GuardPost(Guard(LIMITS, serves), accepted.append, asked.append, board, notices.append)
    post.publish(read(1.0, WEB, BIG))
    assert post.approve() is None
    for at_s in (2.0, 3.0, 4.0):
        post.publish(read(at_s, WEB))
    assert notices == [RemovalsHeld(20, 22, ("/big",), needs_approval=needs) for needs in (False, True)]
    assert (len(accepted), asked) == (4, ["the guard asks for a second read"])
    held = post.approve()
    assert held == Holding(("/big",), 20, 22, needs_approval=True)
    assert (board.holding, accepted[-1]) == (None, read(4.0, WEB))
    assert notices[2:] == [RemovalsReleased(20, by_operator=True)]
