"""What a read may take away at once, what it may not, and who can say that it may."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from milepost.controller.board import Board
from milepost.controller.guard import NEVER_S, Guard, Holding, Limits, Verdict
from milepost.controller.guard_post import GuardPost
from milepost.model.notice import Notice, RemovalsHeld, RemovalsReleased
from milepost.model.shared_map import SharedMap, changed, replaced
from milepost.model.snapshot import App, Cause, Snapshot, Task
from support.apps import app, snapshot, task

LIMITS = Limits(share=0.25, approve_share=0.5, approve_from=10, confirm_after_s=5.0)


def serves(task: Task, _: App) -> bool:
    return task.state == "TASK_RUNNING"


def many(app_id: str, count: int, first: int = 0) -> App:
    return app(app_id, *(task(first + number, app=app_id[1:]) for number in range(count)))


def read(at_s: float, *apps: App) -> Snapshot:
    """What a read of all apps shows that begins at `at_s`. It takes no time."""
    return replace(snapshot(*apps), read_begun_s=at_s)


def event(seen: Snapshot, app_id: str, *apps: App, ended: str = "", is_owners: bool = False) -> Snapshot:
    """What is known after an event about `app_id`, and the read of that app."""
    cause = Cause("an event", app_id, 1.0, ended, is_owners)
    return replace(snapshot(*apps), read_begun_s=seen.read_begun_s, causes=(cause,))


class Watched:
    """A guard that has let one read pass."""

    def __init__(self, *apps: App) -> None:
        self.guard, self.first = Guard(LIMITS, serves), read(1.0, *apps)
        assert self.judge(self.first) == Verdict(self.first, None)

    def judge(self, seen: Snapshot, at_s: float = 0.0) -> Verdict:
        return self.guard.judge(seen, at_s or seen.read_begun_s)


def guarded(*apps: App) -> tuple[Watched, Snapshot]:
    watched = Watched(*apps)
    return watched, watched.first


def ids(verdict: Verdict) -> dict[str, list[str]]:
    return {app.id: [task.id for task in app.tasks] for app in verdict.snapshot.apps.values()}


WEB, API, BIG = many("/web", 2), many("/api", 1, 50), many("/big", 20, 100)


def test_a_read_that_empties_a_service_is_held_until_a_second_one_says_the_same() -> None:
    guard, _ = guarded(WEB, API, BIG)
    held = guard.judge(read(2.0, WEB, BIG))
    assert held.holding == Holding(("/api",), tasks=1, serving=23, needs_approval=False)
    assert ids(held)["/api"] == ["api.50"]
    confirmed = guard.judge(read(7.0, WEB, BIG))
    assert confirmed == Verdict(read(7.0, WEB, BIG), None)


def test_what_is_wrong_for_less_than_the_time_between_takes_nothing_away_however_often_it_is_read() -> None:
    guard, _ = guarded(WEB, API, BIG)
    for at_s in (2.0, 2.1, 4.0, 6.9):
        held = guard.judge(read(at_s, WEB, BIG))
        assert (ids(held)["/api"], held.look_again_s) == (["api.50"], 7.0)
    assert guard.judge(read(6.95, WEB, API, BIG)).holding is None
    again = guard.judge(read(8.0, WEB, BIG))
    assert again.look_again_s == 13.0, "the time begins anew"


def test_a_read_that_began_before_the_time_was_over_confirms_nothing_when_it_comes() -> None:
    guard, _ = guarded(WEB, API, BIG)
    guard.judge(read(2.0, WEB, BIG), 3.0)
    assert guard.judge(read(7.5, WEB, BIG), 20.0).look_again_s == 8.0
    assert guard.judge(read(8.0, WEB, BIG), 21.0).holding is None


def test_a_read_that_takes_much_is_held_though_no_service_would_be_empty() -> None:
    guard, _ = guarded(WEB, BIG)
    less = replace(BIG, tasks=BIG.tasks[:12])
    held = guard.judge(read(2.0, WEB, less))
    assert held.holding == Holding(("/big",), tasks=8, serving=22, needs_approval=False)
    assert ids(held)["/big"] == [task.id for task in BIG.tasks]
    assert guard.judge(read(7.0, WEB, less)).holding is None


def test_a_read_that_takes_little_passes() -> None:
    guard, _ = guarded(WEB, BIG)
    assert guard.judge(read(2.0, WEB, replace(BIG, tasks=BIG.tasks[:16]))).holding is None


def test_what_comes_back_was_never_away() -> None:
    guard, _ = guarded(WEB, BIG)
    assert guard.judge(read(2.0)).holding
    assert guard.judge(read(3.0, WEB, BIG)) == Verdict(read(3.0, WEB, BIG), None)


def test_what_takes_too_much_waits_for_an_operator_however_often_it_is_read() -> None:
    guard, _ = guarded(WEB, BIG)
    guard.judge(read(2.0, WEB))
    for at_s in (7.0, 8.0, 99.0):
        held = guard.judge(read(at_s, WEB))
        assert held.holding == Holding(("/big",), tasks=20, serving=22, needs_approval=True)
        assert held.look_again_s == NEVER_S
    assert guard.guard.approve(read(99.0, WEB)) == Verdict(read(99.0, WEB), None)
    assert guard.judge(read(100.0, WEB)).holding is None


@pytest.mark.parametrize(("left", "needs"), [((API,), False), ((), True)])
def test_a_few_tasks_need_no_operator_unless_they_are_all(left: tuple[App, ...], needs: bool) -> None:
    guard, _ = guarded(WEB, API)
    guard.judge(read(2.0, *left))
    held = guard.judge(read(7.0, *left)).holding
    assert (held is not None) == needs


def without(app: App, *task_ids: str) -> App:
    return replace(app, tasks=tuple(task for task in app.tasks if task.id not in task_ids))


def told(app: App, state: str) -> App:
    """The app after events about all of its tasks."""
    return replace(app, tasks=tuple(replace(task, state=state, unconfirmed="an event") for task in app.tasks))


def test_a_task_that_ended_by_an_event_is_never_held() -> None:
    guard, first = guarded(WEB, API)
    assert guard.judge(event(first, "/web", told(WEB, "TASK_KILLED"), API, ended="web.0")).holding is None
    assert guard.judge(read(2.0, API)).holding is None, "they are gone already"


def test_an_event_and_the_read_of_all_apps_may_come_in_one() -> None:
    guard, _ = guarded(API, BIG)
    killed = replace(read(2.0, told(API, "TASK_KILLED"), BIG), causes=(Cause("an event", "/api", 2.0, "api.50"),))
    assert guard.judge(killed).holding is None


def test_what_an_owner_does_with_an_app_is_never_held() -> None:
    for apps in ((WEB,), (WEB, replace(API, tasks=()))):
        guard, first = guarded(WEB, API)
        assert guard.judge(event(first, "/api", *apps, is_owners=True)).holding is None
    guard, _ = guarded(WEB, API)
    deleted = replace(read(2.0, WEB), causes=(Cause("app_terminated_event", "/api", 2.0, is_owners=True),))
    assert guard.judge(deleted).holding is None


UNRELATED = [
    ("health of one of its tasks, and the app is not found", (WEB, BIG), ""),
    ("health of one of its tasks, and the app has none", (WEB, BIG, replace(API, tasks=())), ""),
    ("the end of another task, and the app is not found", (WEB, BIG), "api.49"),
]


@pytest.mark.parametrize(("apps", "ended"), [case[1:] for case in UNRELATED], ids=[case[0] for case in UNRELATED])
def test_an_event_that_speaks_of_no_removal_empties_no_app_and_frees_none(apps: tuple[App, ...], ended: str) -> None:
    guard, first = guarded(WEB, API, BIG)
    alone = guard.judge(event(first, "/api", *apps, ended=ended), 2.0)
    assert (ids(alone)["/api"], alone.look_again_s) == (["api.50"], 7.0)
    guard, _ = guarded(WEB, API, BIG)
    lie = read(2.0, *apps)
    guard.judge(lie)
    held = guard.judge(event(lie, "/api", *apps, ended=ended), 3.0)
    assert (ids(held)["/api"], held.look_again_s) == (["api.50"], 7.0)
    assert guard.judge(read(7.0, *apps)).holding is None


def test_what_is_taken_away_piece_by_piece_counts_as_a_whole() -> None:
    apps = [many(f"/app{number}", 4, 4 * number) for number in range(5)]
    guard, seen = guarded(*apps)
    for number in range(5):
        guard.judge(event(seen, f"/app{number}", *apps[number + 1 :]), 2.0 + number)
    held = guard.judge(read(7.0))
    assert held.holding == Holding(tuple(app.id for app in apps), 20, 20, needs_approval=True)
    assert held.look_again_s == 8.0


def test_of_a_task_that_it_shows_the_read_of_one_app_may_say_anything() -> None:
    guard, first = guarded(WEB, BIG)
    ill = replace(WEB, tasks=tuple(replace(task, state="TASK_STAGING") for task in WEB.tasks))
    assert guard.judge(event(first, "/web", ill, BIG)).holding is None
    guard, first = guarded(WEB, BIG)
    one_is_missing = guard.judge(event(first, "/web", without(ill, "web.1"), BIG))
    assert {task.id: task.state for task in one_is_missing.snapshot.apps["/web"].tasks} == {
        "web.0": "TASK_STAGING",
        "web.1": "TASK_RUNNING",
    }


def test_a_held_task_that_ends_by_an_event_leaves_at_once_and_the_others_stay() -> None:
    guard, _ = guarded(WEB, API, BIG)
    lie = read(2.0)
    guard.judge(lie)
    held = guard.judge(event(lie, "/web", ended="web.0"), 3.0)
    assert ids(held)["/web"] == ["web.1"]
    held = guard.judge(event(lie, "/web", ended="web.1"), 3.0)
    assert held.holding
    assert held.holding.apps == ("/api", "/big")


def test_an_owners_event_about_a_held_app_decides_it() -> None:
    guard, _ = guarded(WEB, API, BIG)
    lie = read(2.0, WEB, BIG)
    assert guard.judge(lie).holding
    assert guard.judge(event(lie, "/api", WEB, BIG, is_owners=True)).holding is None


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
    later = guard.judge(event(held.snapshot, "/web", WEB, labelled, BIG, new), 2.0)
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
    second = guard.judge(read(7.0, BIG))
    assert (second.look_again_s, second.holding and second.holding.apps) == (12.0, ("/web",))
    assert guard.judge(read(12.0, BIG)).holding is None


def test_the_first_read_after_a_start_is_judged_against_what_served_before() -> None:
    guard = Guard(LIMITS, serves)
    guard.remember(snapshot(WEB, BIG).apps, asks_operator=True)
    held = guard.judge(read(1.0, WEB), 1.0)
    assert held.holding == Holding(("/big",), tasks=20, serving=22, needs_approval=False)
    confirmed = guard.judge(read(6.0, WEB), 6.0)
    assert confirmed.holding
    assert confirmed.holding.needs_approval


def test_what_served_before_the_start_was_at_its_place_before_all_that_is_read() -> None:
    guard = Guard(LIMITS, serves)
    seen_late = replace(BIG, tasks=tuple(replace(task, observed_s=1e6) for task in BIG.tasks))
    guard.remember(snapshot(WEB, seen_late).apps, asks_operator=True)
    held = guard.judge(read(1.0, WEB), 1.0).snapshot.apps
    assert {task.observed_s for task in held["/big"].tasks} == {-1.0}
    assert held["/web"] is WEB


def test_what_served_long_ago_needs_no_operator_to_go() -> None:
    guard = Guard(LIMITS, serves)
    guard.remember(snapshot(WEB, BIG).apps, asks_operator=False)
    assert guard.judge(read(1.0, WEB), 1.0).holding
    assert guard.judge(read(6.0, WEB), 6.0).holding is None
    guard.judge(read(7.0), 7.0)
    now = guard.judge(read(12.0), 12.0).holding
    assert now is not None
    assert now.needs_approval, "what serves now does"


def test_while_something_is_held_an_event_copies_only_what_it_changes() -> None:
    guard, _ = guarded(*(many(f"/app{number}", 1) for number in range(200)), WEB, API)
    rest = SharedMap({app.id: app for app in (*(many(f"/app{number}", 1) for number in range(200)), WEB)})
    held = guard.judge(Snapshot(rest, "test", 0.0, read_begun_s=2.0))
    moved = Snapshot(replaced(rest, {"/web": many("/web", 3)}), "test", 0.0, read_begun_s=2.0)
    later = guard.judge(moved, 3.0)
    assert later.holding
    assert list(changed(held.snapshot.apps, later.snapshot.apps)) == ["/web"]


clusters = st.dictionaries(st.sampled_from(["/a", "/b", "/c"]), st.integers(0, 12), max_size=3)


@given(st.lists(clusters, min_size=1, max_size=6))
def test_one_read_alone_never_empties_a_service_and_two_equal_ones_settle_all(history: list[dict[str, int]]) -> None:
    guard = Guard(LIMITS, serves)
    before: Verdict | None = None
    for number, cluster in enumerate(history, 1):
        seen = read(number * 5.0, *(many(app_id, count) for app_id, count in cluster.items()))
        verdict = guard.judge(seen, seen.read_begun_s)
        assert {task.id for app in seen.apps.values() for task in app.tasks} <= {
            task.id for app in verdict.snapshot.apps.values() for task in app.tasks
        }
        if before is None or before.holding is None:
            served = [app_id for app_id, tasks in (ids(before) if before else {}).items() if tasks]
            assert all(ids(verdict)[app_id] for app_id in served)
        before = verdict
    again = guard.judge(replace(seen, read_begun_s=99.0), 99.0)
    assert again.holding is None or again.holding.needs_approval
    assert again.look_again_s == NEVER_S


@dataclass
class Post:
    """A guard's post, and what it did."""

    board: Board = field(default_factory=lambda: Board(started_at_s=0.0))
    notices: list[Notice] = field(default_factory=list)
    accepted: list[Snapshot] = field(default_factory=list)
    asked_s: list[float] = field(default_factory=list)
    clock: Callable[[], float] = lambda: 99.0

    def __post_init__(self) -> None:
        guard = Guard(LIMITS, serves)
        self.post = GuardPost(guard, self.accepted.append, self.ask, self.board, self.notices.append, self.clock)

    def ask(self, _: str) -> None:
        self.asked_s.append(self.clock())


def test_holding_is_told_once_and_so_is_its_end() -> None:
    at = Post()
    at.post.publish(read(1.0, WEB, BIG))
    assert at.post.approve() is None
    for at_s in (98.0, 104.0, 105.0):
        at.post.publish(read(at_s, WEB))
    assert at.notices == [RemovalsHeld(20, 22, ("/big",), needs_approval=needs) for needs in (False, True)]
    held = at.post.approve()
    assert held == Holding(("/big",), 20, 22, needs_approval=True)
    assert (at.board.holding, at.accepted[-1]) == (None, read(105.0, WEB))
    assert at.notices[2:] == [RemovalsReleased(20, by_operator=True)]


def test_what_changes_nothing_but_the_guards_mind_goes_no_further() -> None:
    at = Post()
    first = read(1.0, WEB, BIG)
    for seen in (first, replace(first, causes=(Cause("deployment_info", "/web", 1.0, is_owners=True),))):
        at.post.publish(seen)
    assert at.accepted == [first]


@pytest.mark.parametrize(("age_s", "needs"), [(60.0, True), (7200.0, False), (-60.0, True)])
def test_an_hour_after_the_last_good_snapshot_a_second_read_is_enough(age_s: float, needs: bool) -> None:
    at = Post()
    at.post.remember(snapshot(WEB, BIG), now_s=age_s)
    at.post.publish(read(98.0, WEB))
    assert at.board.holding
    at.post.publish(read(104.0, WEB))
    assert (at.board.holding is not None) == needs


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})], ids=["trio"])
async def test_a_second_read_is_asked_for_when_it_is_due_and_only_once() -> None:
    at = Post(clock=anyio.current_time)
    begun_s = at.clock()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(at.post.run)
        at.post.publish(read(begun_s, WEB, BIG))
        await anyio.sleep(1)
        lie = read(begun_s + 1, WEB)
        at.post.publish(lie)
        await anyio.sleep(20)  # no answer comes
        assert at.asked_s == [begun_s + 6]
        at.post.publish(event(lie, "/web", many("/web", 3)))
        await anyio.sleep(20)
        assert at.asked_s == [begun_s + 6]
        at.post.publish(read(begun_s + 50, WEB, BIG))
        at.post.publish(read(begun_s + 51, WEB))
        await anyio.sleep(2)
        at.post.publish(read(begun_s + 52, WEB, BIG))
        await anyio.sleep(100)
        assert len(at.asked_s) == 1, "it came back before that"
        tasks.cancel_scope.cancel()


def test_a_colour_whose_tasks_were_drained_may_go_without_a_word() -> None:
    drained: set[str] = set()
    guard = Guard(LIMITS, serves, drained=lambda: drained)
    blue, green = many("/blue", 3), many("/green", 3, first=3)
    guard.judge(read(1.0, blue, green), 1.0)
    gone = read(2.0, green)
    drained |= {task.id for task in blue.tasks}
    assert guard.judge(gone, 2.0) == Verdict(gone, None)
    assert guard.judge(read(3.0), 3.0).holding == Holding(("/green",), 3, 3, needs_approval=False)
