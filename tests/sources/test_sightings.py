"""Since when a task is known to be where it is."""

from dataclasses import replace

from milepost.model.problem import Problem
from milepost.model.snapshot import App
from milepost.sources.marathon.answer import Answer
from milepost.sources.marathon.overlay import News
from milepost.sources.marathon.picture import Picture, settled
from milepost.sources.marathon.sightings import with_sightings
from support.cluster import an_app, equal_copy, running

RUNNING = "status_update_event TASK_RUNNING"


def seen(app: App) -> list[float]:
    return [task.observed_s for task in app.tasks]


def read_all(picture: Picture, begun_s: float, *apps: App) -> None:
    before = picture.apps()
    answer = settled(Answer({app.id: app for app in apps}), before, {}, picture.seen_s(begun_s))
    picture.take_all(answer, before, {}, begun_s)


def test_a_task_keeps_the_moment_at_which_it_was_first_seen() -> None:
    before = with_sightings(None, an_app("/web", running("web.1")), 3.0)
    after = with_sightings(before, an_app("/web", running("web.1"), running("web.2")), 8.0)
    assert (seen(before), seen(after)) == ([3.0], [3.0, 8.0])


def test_a_task_that_is_elsewhere_was_never_seen_there_before() -> None:
    before = with_sightings(None, an_app("/web", running("web.1")), 3.0)
    moved = replace(running("web.1"), ports=(31_009,))
    assert seen(with_sightings(before, an_app("/web", moved), 8.0)) == [8.0]


def test_what_the_first_read_shows_was_there_before_everything_else() -> None:
    picture = Picture()
    read_all(picture, 5.0, an_app("/web", running("web.1")))
    read_all(picture, 6.0, an_app("/web", running("web.1"), running("web.2")))
    picture.take_one("/db", Answer({"/db": an_app("/db", running("db.1"))}), {}, 7.0)
    assert [seen(app) for app in picture.apps().values()] == [[0.0, 6.0], [7.0]]


def launched(task_id: str, heard_s: float, host: str = "10.0.0.1") -> News:
    return News(task_id, "TASK_RUNNING", RUNNING, heard_s, host, (31_000,), "2024-05-01T10:00:00.000Z")


def test_a_time_of_another_process_says_nothing() -> None:
    before = with_sightings(None, an_app("/web", running("web.1")), 1e6)
    assert seen(with_sightings(before, an_app("/web", running("web.1"), running("web.2")), 0.0)) == [0.0, 0.0]


def test_an_event_tells_where_a_task_is_before_any_read_does() -> None:
    picture = Picture()
    web = an_app("/web", running("web.1"))
    read_all(picture, 1.0, web)
    assert picture.hear("/web", launched("web.2", 2.0)) == ("web.2",)
    told = picture.apps()["/web"].tasks[1]
    assert (told.address, told.ports, told.unconfirmed, told.read) == ("10.0.0.1", (31_000,), RUNNING, None)
    picture.take_one("/web", Answer({"/web": equal_copy(web)}), {}, 1.5)
    assert seen(picture.apps()["/web"]) == [0.0, 2.0], "a read that began before the event undoes nothing"
    picture.take_one("/web", Answer({"/web": an_app("/web", running("web.1"), running("web.2"))}), {}, 3.0)
    assert picture.apps()["/web"].tasks[1] == replace(running("web.2"), observed_s=2.0)


def test_a_task_that_only_an_event_told_of_is_gone_once_a_later_read_has_none() -> None:
    picture = Picture()
    web = an_app("/web", running("web.1"))
    read_all(picture, 1.0, web)
    picture.hear("/web", launched("web.2", 2.0))
    picture.take_one("/web", Answer({"/web": equal_copy(web)}), {}, 3.0)
    assert picture.apps()["/web"] == web


def test_the_event_of_a_known_task_changes_nothing() -> None:
    picture = Picture()
    read_all(picture, 1.0, an_app("/web", running("web.1")))
    before = picture.apps()
    assert picture.hear("/web", launched("web.1", 2.0)) == ()
    assert picture.apps() is before


def test_a_named_agent_has_its_address_for_an_event_too() -> None:
    picture = Picture()
    read_all(picture, 1.0, an_app("/web", running("web.1", host="agent1")))
    picture.locate({"agent1": "10.0.0.7"})
    picture.hear("/web", launched("web.2", 2.0, host="agent1"))
    assert [task.address for task in picture.apps()["/web"].tasks] == ["10.0.0.7", "10.0.0.7"]


def test_a_task_that_is_alive_no_more_is_known_to_have_been_alive() -> None:
    picture = Picture()
    for at_s, health in enumerate([(True,), (False,), (False,)], 1):
        read_all(picture, float(at_s), an_app("/web", running("web.1", health=health), checks=1))
    assert picture.apps()["/web"].tasks[0].was_alive
    read_all(picture, 9.0, an_app("/web", running("web.2", health=(False,)), checks=1))
    assert not picture.apps()["/web"].tasks[0].was_alive


def test_what_was_known_before_the_start_tells_who_was_alive_and_is_no_read() -> None:
    well = an_app("/web", running("web.1", health=(True,)), running("web.2", health=(False,)), checks=1)
    picture = Picture()
    picture.remember({"/web": well, "/gone": an_app("/gone")})
    assert picture.is_empty
    ill = an_app("/web", running("web.1", health=(False,)), running("web.2", health=(False,)), checks=1)
    read_all(picture, 5.0, ill)
    assert list(picture.apps()) == ["/web"]
    assert [task.was_alive for task in picture.apps()["/web"].tasks] == [True, False]


def test_an_app_that_cannot_be_read_at_the_start_is_as_it_was_before() -> None:
    known = an_app("/web", running("web.1"))
    picture = Picture()
    picture.remember({"/web": known})
    picture.take_all(Answer({}, (Problem("/web", "app", "odd"),)), picture.apps(), {}, 5.0)
    assert picture.apps()["/web"] == known
