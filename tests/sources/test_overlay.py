"""What bad news does to a task, and to which."""

from dataclasses import replace

import pytest

from milepost.sources.marathon.overlay import ENDING_STATES, News, is_of, with_news
from support.cluster import an_app, running

UUID = "7c1a52f0-07a2-11ef-9a10-0242ac110002"

NOT_OF = [
    ("web.1", ""),
    ("web.1", "we"),
    ("web.11", "web.1"),
    (f"web.instance-{UUID}._app.10", f"web.instance-{UUID}._app.1"),
    (f"web.instance-{UUID}._app.1", f"web.instance-{UUID[:-1]}"),
    (f"web.{UUID}", f"other.marathon-{UUID}"),
    (f"web.{UUID}", f"web.marathon-{UUID[:-1]}"),
    (f"web.instance-{UUID}._app.1", f"web.instance-{UUID}._app.2"),
]
OF = [
    ("web_0-1396592784349", "web_0-1396592784349"),
    (f"web.{UUID}", f"web.{UUID}"),
    (f"web.{UUID}", f"web.marathon-{UUID}"),
    (f"web.{UUID}", f"web.instance-{UUID}"),
    (f"shop_web.v1.{UUID}", f"shop_web.v1.marathon-{UUID}"),
    (f"web.instance-{UUID}._app.1", f"web.instance-{UUID}"),
    (f"web.instance-{UUID}._app.1", f"web.instance-{UUID}._app.1"),
    (f"web.marathon-{UUID}.container", f"web.marathon-{UUID}"),
]


@pytest.mark.parametrize(("task_id", "ref"), NOT_OF)
def test_another_tasks_or_instances_id_is_not_meant(task_id: str, ref: str) -> None:
    assert not is_of(task_id, ref)


@pytest.mark.parametrize(("task_id", "ref"), OF)
def test_a_task_is_meant_by_its_own_and_by_its_instances_id(task_id: str, ref: str) -> None:
    assert is_of(task_id, ref)


def test_an_ending_state_takes_the_one_task_out() -> None:
    app = an_app("/web", running("web.1"), running("web.2"))
    told = with_news(app, [News("web.1", "TASK_KILLED", "status_update_event TASK_KILLED", 1.0)])
    killed = replace(app.tasks[0], state="TASK_KILLED", unconfirmed="status_update_event TASK_KILLED")
    assert told.tasks[0] == replace(killed, read=("TASK_RUNNING", app.tasks[0].health))
    assert told.tasks[1] is app.tasks[1]


@pytest.mark.parametrize(
    ("checks", "health", "after"),
    [
        (0, None, None),
        (1, None, (False,)),
        (1, (), (False,)),
        (1, (True,), (False,)),
        (2, (True, True), (True, True)),
        (2, (True, False), (True, False)),
    ],
)
def test_a_failed_check_takes_a_task_out_only_where_it_is_the_only_check(
    checks: int, health: tuple[bool, ...] | None, after: tuple[bool, ...] | None
) -> None:
    app = an_app("/web", running("web.1", health=health), checks=checks)
    told = with_news(app, [News("web.1", "", "failed_health_check_event", 1.0)])
    assert told.tasks[0].health == after
    assert bool(told.tasks[0].unconfirmed) == (after != health)


def test_what_was_last_read_is_kept_under_any_number_of_news() -> None:
    app = an_app("/web", running("web.1", health=(True,)), checks=1)
    news = [
        News("web.1", "", "failed_health_check_event", 1.0),
        News("web.1", "TASK_KILLING", "status_update_event", 2.0),
    ]
    told = with_news(app, news).tasks[0]
    assert (told.state, told.health, told.read) == ("TASK_KILLING", (False,), ("TASK_RUNNING", (True,)))


NO_NEWS = [
    News("web.9", "TASK_KILLED", "of another task", 1.0),
    News("web.1", "TASK_FAILED", "of a task that ends already", 1.0),
    News("web.2", "", "a check known to fail", 1.0),
]


@pytest.mark.parametrize("news", NO_NEWS, ids=lambda news: news.event)
def test_what_is_known_already_changes_nothing(news: News) -> None:
    ending = replace(running("web.1"), state="TASK_KILLING")
    app = an_app("/web", ending, running("web.2", health=(False,)), checks=1)
    assert with_news(app, [news]) is app


def test_lost_and_unreachable_are_no_ending_states() -> None:
    assert not {"TASK_LOST", "TASK_UNREACHABLE", "TASK_RUNNING", "TASK_STAGING", ""} & ENDING_STATES
