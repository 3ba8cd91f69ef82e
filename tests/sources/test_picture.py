"""What is known of a cluster when reads and news overlap in time."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from milepost.model.problem import Problem
from milepost.model.snapshot import App, Snapshot, Task
from milepost.sources.marathon.answer import Answer
from milepost.sources.marathon.overlay import News
from milepost.sources.marathon.picture import Picture, renewed, settled
from support.cluster import an_app, equal_copy, running

WEB = an_app("/web", running("web.1"), running("web.2"))
DB = an_app("/db", running("db.1"))
KILLED = "status_update_event TASK_KILLED"


def answer(*apps: App) -> Answer:
    return Answer({app.id: app for app in apps})


def read_all(picture: Picture, begun_s: float, *apps: App) -> None:
    before = picture.apps()
    picture.take_all(settled(answer(*apps), before, {}, picture.seen_s(begun_s)), before, {}, begun_s)


def known(picture: Picture) -> Snapshot:
    return picture.snapshot("test", 0.0, ())


def states(picture: Picture, app_id: str = "/web") -> list[str]:
    return [task.state for task in picture.apps()[app_id].tasks]


def test_a_read_that_began_before_the_news_never_undoes_it() -> None:
    picture = Picture()
    read_all(picture, 1.0, WEB)
    assert picture.hear("/web", News("web.1", "TASK_KILLED", KILLED, 3.0)) == ("web.1",)
    picture.take_one("/web", answer(equal_copy(WEB)), {}, 2.0)
    assert states(picture) == ["TASK_KILLED", "TASK_RUNNING"]
    read_all(picture, 2.5, equal_copy(WEB))
    assert states(picture) == ["TASK_KILLED", "TASK_RUNNING"]
    assert picture.apps()["/web"].tasks[0].unconfirmed == KILLED


def test_a_read_that_began_after_the_news_corrects_it() -> None:
    picture = Picture()
    read_all(picture, 1.0, WEB)
    picture.hear("/web", News("web.1", "TASK_KILLED", KILLED, 3.0))
    assert picture.take_one("/web", answer(equal_copy(WEB)), {}, 4.0)
    assert picture.apps()["/web"] == WEB
    picture.hear("/web", News("web.2", "TASK_KILLED", KILLED, 5.0))
    read_all(picture, 6.0, equal_copy(WEB))
    assert picture.apps()["/web"] == WEB


def test_news_of_a_task_that_only_a_running_read_knows_is_kept_for_it() -> None:
    picture = Picture()
    read_all(picture, 1.0)
    assert picture.hear("/web", News("web.1", "TASK_KILLED", KILLED, 3.0)) == ()
    picture.take_one("/web", answer(WEB), {}, 2.0)
    assert states(picture) == ["TASK_KILLED", "TASK_RUNNING"]


def test_news_of_an_instance_meets_the_tasks_that_a_later_read_shows_only_until_then() -> None:
    picture = Picture()
    read_all(picture, 1.0, an_app("/web", running("web.instance-u._app.1")))
    picture.hear("/web", News("web.instance-u", "TASK_KILLING", "unhealthy_instance_kill_event", 2.0))
    picture.take_one("/web", answer(an_app("/web", running("web.instance-u._app.2"))), {}, 3.0)
    assert states(picture) == ["TASK_RUNNING"]


def test_a_full_read_does_not_undo_a_single_read_that_began_later() -> None:
    picture = Picture()
    read_all(picture, 1.0, WEB, DB)
    before = picture.apps()
    bigger = an_app("/web", running("web.1"), running("web.2"), running("web.3"))
    picture.take_one("/web", answer(bigger), {}, 3.0)
    picture.take_one("/db", answer(), {}, 3.0)
    picture.take_one("/new", answer(an_app("/new")), {}, 3.0)
    picture.take_all(settled(answer(equal_copy(WEB), equal_copy(DB)), before, {}, 2.0), before, {}, 2.0)
    assert [task.id for task in picture.apps()["/web"].tasks] == ["web.1", "web.2", "web.3"]
    assert list(picture.apps()) == ["/web", "/new"]


def test_a_single_read_does_not_undo_a_full_read_that_began_later() -> None:
    picture = Picture()
    read_all(picture, 2.0, WEB)
    assert not picture.take_one("/web", answer(), {}, 1.0)
    assert picture.apps() == {"/web": WEB}


def test_an_app_that_is_not_in_a_full_read_is_gone() -> None:
    picture = Picture()
    read_all(picture, 1.0, WEB, DB)
    read_all(picture, 2.0, equal_copy(DB))
    assert list(picture.apps()) == ["/db"]


def test_an_app_that_cannot_be_read_this_time_stays_as_it_was() -> None:
    picture, odd = Picture(), Problem("/web", "app", "cannot be read: odd")
    read_all(picture, 1.0, WEB, DB)
    before = picture.apps()
    picture.take_all(Answer({"/db": before["/db"]}, (odd,)), before, {}, 2.0)
    assert picture.apps() == {"/web": WEB, "/db": DB}
    assert known(picture).problems == (odd,)
    assert picture.take_one("/web", answer(equal_copy(WEB)), {}, 3.0)
    assert known(picture).problems == ()
    assert picture.take_one("/web", Answer({}, (odd,)), {}, 4.0)
    assert picture.apps()["/web"] is not None
    assert known(picture).problems == (odd,)


def test_problems_within_apps_are_told_as_long_as_they_last() -> None:
    odd = Problem("/web", "A", "expected a string")
    picture = Picture()
    read_all(picture, 1.0, replace(WEB, problems=(odd,)))
    assert known(picture).problems == (odd,)
    assert picture.take_one("/web", answer(WEB), {}, 2.0)
    assert known(picture).problems == ()


def test_a_named_agents_task_has_its_address_once_that_is_known() -> None:
    app = an_app("/web", running("web.1", host="agent1"), running("web.2", host="agent2"))
    picture = Picture()
    read_all(picture, 1.0, app)
    assert picture.locate({"agent1": "10.0.0.1"})
    assert [task.address for task in picture.apps()["/web"].tasks] == ["10.0.0.1", None]
    assert not picture.locate({"agent1": "10.0.0.1", "other": "10.0.0.9"})
    picture.take_one("/web", answer(equal_copy(app)), {"agent1": "10.0.0.1", "agent2": "10.0.0.2"}, 2.0)
    assert [task.address for task in picture.apps()["/web"].tasks] == ["10.0.0.1", "10.0.0.2"]


def test_agents_that_are_located_while_all_is_read_are_located_for_every_app_of_that_read() -> None:
    here, away = (an_app(app_id, running(f"{app_id[1:]}.1", host="agent1")) for app_id in ("/here", "/away"))
    picture = Picture()
    read_all(picture, 1.0, here, away)
    before = picture.apps()
    picture.take_one("/away", answer(), {}, 1.5)
    picture.locate({"agent1": "10.0.0.1"})
    picture.take_all(settled(answer(here, away), before, {}, 2.0), before, {"agent1": "10.0.0.1"}, 2.0)
    assert {app.id: app.tasks[0].address for app in picture.apps().values()} == dict.fromkeys(before, "10.0.0.1")


def test_the_health_of_an_app_that_came_while_all_was_read_is_remembered() -> None:
    picture = Picture()
    read_all(picture, 1.0)
    before = picture.apps()
    picture.take_one("/new", answer(an_app("/new", running("new.1", health=(True,)))), {}, 1.5)
    picture.take_all(settled(answer(an_app("/new", running("new.1"))), before, {}, 2.0), before, {}, 2.0)
    assert picture.apps()["/new"].tasks[0].health == (True,)


def test_a_snapshot_never_changes_afterwards() -> None:
    picture = Picture()
    read_all(picture, 1.0, WEB)
    snapshot = known(picture)
    picture.hear("/web", News("web.1", "TASK_KILLED", KILLED, 3.0))
    assert snapshot.apps == {"/web": WEB}


tasks = st.builds(
    Task,
    st.sampled_from(["a.1", "a.2", "a.3"]),
    st.just("10.0.0.1"),
    st.just("10.0.0.1"),
    st.just((31000,)),
    st.sampled_from(["TASK_RUNNING", "TASK_STAGING"]),
    st.sampled_from([None, (), (True,), (False,)]),
)
apps = st.builds(
    lambda app_id, tasks, checks: an_app(app_id, *tasks, checks=checks),
    st.sampled_from(["/a", "/b", "/c"]),
    st.lists(tasks, max_size=3, unique_by=lambda task: task.id),
    st.integers(0, 2),
)
clusters = st.lists(apps, unique_by=lambda app: app.id)


@given(clusters, clusters)
def test_a_full_read_shares_each_app_and_each_definition_that_did_not_change(one: list[App], two: list[App]) -> None:
    picture = Picture()
    read_all(picture, 1.0, *one)
    before = picture.apps()
    read_all(picture, 2.0, *(equal_copy(app) for app in two))
    for app_id, app in picture.apps().items():
        known = before.get(app_id)
        assert known is not app or known == app
        if known is not None and known == app:
            assert app is known
        if known is not None and known.definition == app.definition:
            assert app.definition is known.definition


@given(clusters)
def test_reading_the_same_again_changes_nothing_at_all(cluster: list[App]) -> None:
    picture = Picture()
    read_all(picture, 1.0, *cluster)
    before = picture.apps()
    read_all(picture, 2.0, *(equal_copy(app) for app in cluster))
    for app in cluster:
        assert not picture.take_one(app.id, answer(equal_copy(app)), {}, 3.0)
    after = picture.apps()
    assert list(after) == list(before)
    assert all(after[app_id] is before[app_id] for app_id in before)


@given(apps, tasks, st.sampled_from(["", "TASK_KILLED", "TASK_KILLING"]))
def test_news_only_ever_touches_the_task_that_it_is_about(app: App, task: Task, state: str) -> None:
    told = renewed(None, app, {}, 0.0, (News(task.id, state, "event", 1.0),))
    assert told.definition is app.definition
    for before, after in zip(app.tasks, told.tasks, strict=True):
        assert after is before or before.id == task.id
