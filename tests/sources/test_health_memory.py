"""After a change of leader Marathon has no health results for a while."""

import pytest

from milepost.model.snapshot import App, Snapshot
from milepost.sources.file import read_apps_file
from milepost.sources.health import carry_app_health, carry_health
from support.cluster import an_app, equal_copy, running
from support.shared import SHARED, needs_shared


def snapshot(*apps: App) -> Snapshot:
    return Snapshot({app.id: app for app in apps}, "test", 0.0)


@pytest.mark.parametrize("known", [(), (True,), (False, True)])
def test_a_task_without_results_keeps_those_it_had(known: tuple[bool, ...]) -> None:
    before = an_app("/web", running("web.1", health=known))
    after = an_app("/web", running("web.1"), running("web.2"))
    assert [task.health for task in carry_app_health(before, after).tasks] == [known, None]


@pytest.mark.parametrize("news", [(), (False,)])
def test_results_that_are_there_stand(news: tuple[bool, ...]) -> None:
    before = an_app("/web", running("web.1", health=(True,)))
    after = an_app("/web", running("web.1", health=news))
    assert carry_app_health(before, after) is after


def test_an_app_of_which_nothing_is_known_stays_as_it_is() -> None:
    after = an_app("/web", running("web.1"))
    assert carry_app_health(None, after) is after
    assert carry_app_health(equal_copy(after), after) is after
    assert carry_health(snapshot(), snapshot(after)).apps == {"/web": after}


@needs_shared
def test_the_contracts_case_of_a_failover_is_met() -> None:
    folder = SHARED / "conformance" / "health-flag-remembers"
    before, after = (read_apps_file(folder / name) for name in ("apps-before-1.json", "apps.json"))
    carried = carry_health(before, after)
    alive = {task.id: task.health is not None and any(task.health) for task in carried.apps["/checked"].tasks}
    expected = (folder / "haproxy.cfg").read_text()
    assert {task.id for task in carried.apps["/checked"].tasks if f"{task.address}:" in expected} == {
        task_id for task_id, is_alive in alive.items() if is_alive
    }
