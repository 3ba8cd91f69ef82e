"""Several sources as one snapshot: nothing of one is lost or changed by another, and what did not change is shared."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.controller.merge import Merge, share_of
from milepost.model.problem import Problem
from milepost.model.shared_map import SharedMap, changed
from milepost.model.snapshot import App, Cause, Share, Snapshot
from milepost.model.source_name import known_id, prefix_of
from support.apps import app, snapshot, task

PREFIXES = {"marathon": "", "east": "east:", "static": "static:"}
WEB, API = app("/web", task(0)), app("/api", task(1))
EAST = app("east:/web", task(2))


def part(source: str, *apps: App, read_at_s: float = 100.0, is_lasting: bool = False) -> Snapshot:
    values = SharedMap({one.id: one for one in apps})
    return Snapshot(values, source, read_at_s, (Problem(apps[0].id, "app", "odd"),), is_lasting=is_lasting)


def test_two_sources_make_one_snapshot_in_their_order() -> None:
    merge = Merge(PREFIXES)
    merge.take("east", part("east", EAST, read_at_s=90.0))
    merge.take("marathon", part("marathon", WEB, API))
    seen = merge.snapshot((Cause("told", "/web", 1.0),))
    assert list(seen.apps) == ["/web", "/api", "east:/web"]
    assert (seen.source, seen.read_at_s, seen.causes) == ("marathon, east", 90.0, (Cause("told", "/web", 1.0),))
    assert [problem.app_id for problem in seen.problems] == ["/web", "east:/web"]
    assert seen.shares == (Share("marathon", "", 100.0, 2), Share("east", "east:", 90.0, 1))


def test_what_stands_in_the_settings_never_makes_a_snapshot_old_nor_a_kept_one_fresh() -> None:
    merge = Merge(PREFIXES)
    merge.take("static", part("static", app("static:/db"), read_at_s=1.0, is_lasting=True))
    assert (merge.snapshot(()).read_at_s, merge.snapshot(()).is_saved) == (1.0, False)
    merge.take("marathon", replace(part("marathon", WEB), is_saved=True))
    assert (merge.snapshot(()).read_at_s, merge.snapshot(()).is_saved) == (100.0, True)


def test_later_stages_see_a_change_alone_and_none_where_nothing_changed() -> None:
    merge = Merge(PREFIXES)
    merge.take("marathon", part("marathon", WEB, API))
    merge.take("east", part("east", EAST))
    before = merge.snapshot(()).apps
    merge.take("marathon", part("marathon", WEB, API, read_at_s=160.0))
    assert merge.snapshot(()).apps is before
    merge.take("marathon", part("marathon", replace(WEB, tasks=()), API))
    assert list(changed(before, merge.snapshot(()).apps)) == ["/web"]


def test_of_a_kept_snapshot_each_source_gets_what_is_its_own() -> None:
    kept = replace(snapshot(WEB, EAST), problems=(Problem("east:/web", "app", "odd"),), is_saved=True)
    assert list(share_of(kept, "marathon", "").apps) == ["/web"]
    east = share_of(kept, "east", "east:")
    assert (list(east.apps), east.problems, east.is_saved) == (["east:/web"], kept.problems, True)
    assert share_of(kept, "west", "west:").apps == {}


numbers = st.dictionaries(st.integers(0, 5), st.integers(0, 2))
steps = st.lists(st.tuples(st.sampled_from(sorted(PREFIXES)), numbers), min_size=1)


@given(steps)
def test_one_part_after_the_other_gives_what_all_of_them_give_at_once(taken: list[tuple[str, dict[int, int]]]) -> None:
    merge, newest = Merge(PREFIXES), dict[str, Snapshot]()
    for name, tasks in taken:
        apps = [app(f"{PREFIXES[name]}/app{number}", task(count)) for number, count in tasks.items()]
        newest[name] = snapshot(*apps)
        merge.take(name, newest[name])
        seen = merge.snapshot(()).apps
        assert dict(seen) == {app_id: one for part in newest.values() for app_id, one in part.apps.items()}


@pytest.mark.parametrize(
    ("text", "app_id", "prefix"),
    [
        ("web", "/web", ""),
        ("/shop/web/", "/shop/web", ""),
        ("east:/shop/web", "east:/shop/web", "east:"),
        ("east:shop/web", "east:/shop/web", "east:"),
    ],
)
def test_an_app_is_found_however_its_slashes_are_written(text: str, app_id: str, prefix: str) -> None:
    assert (known_id(text), prefix_of(app_id)) == (app_id, prefix)
