"""An address has one owner: whoever is there now, in whichever order the two tasks' ends and begins are learned."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.model.snapshot import App, Snapshot, Task
from milepost.routing.build import Router, build_routing
from milepost.routing.owners import Owners
from milepost.routing.policy import Policy
from support.apps import app, snapshot, task

POLICY = Policy(("external",))
EARLY, LATE = "2024-05-01T10:00:00.000Z", "2024-05-01T10:00:07.000Z"

OLD = replace(task(0, app="old"), observed_s=1.0)
NEW = replace(task(0, app="new"), observed_s=2.0)
"""Both at 10.0.0.1 port 31000."""


def serving(*apps: App, policy: Policy = POLICY) -> set[str]:
    table = build_routing(snapshot(*apps), policy)
    return {endpoint.task_id for pool in table.endpoints.values() for endpoint in pool}


def two(old: Task, new: Task) -> tuple[App, App]:
    return app("/old", old), app("/new", new, port=10_001)


NEWER = [
    ("it was seen later", OLD, NEW),
    ("it was launched later", replace(OLD, staged_at=EARLY), replace(NEW, staged_at=LATE)),
    (
        "it was launched later, though seen earlier",
        replace(OLD, staged_at=EARLY, observed_s=3.0),
        replace(NEW, staged_at=LATE),
    ),
    ("both have one launch time, and it was seen later", replace(OLD, staged_at=LATE), replace(NEW, staged_at=LATE)),
    ("only the old one has a launch time", replace(OLD, staged_at=LATE), NEW),
    ("the old one is being killed", replace(OLD, state="TASK_KILLING", observed_s=3.0), NEW),
    ("the old one has ended", replace(OLD, state="TASK_FAILED", observed_s=3.0), NEW),
]


@pytest.mark.parametrize(("old", "new"), [case[1:] for case in NEWER], ids=[case[0] for case in NEWER])
def test_the_newer_of_two_tasks_at_one_address_has_it(old: Task, new: Task) -> None:
    assert serving(*two(old, new)) == {"new.0"}
    assert serving(*reversed(two(old, new))) == {"new.0"}


def test_a_task_that_only_starts_has_its_address_already() -> None:
    assert serving(*two(OLD, replace(NEW, state="TASK_STAGING"))) == set()


def test_an_app_without_traffic_takes_its_address_too() -> None:
    assert serving(app("/old", OLD), app("/new", NEW, labels={"HAPROXY_GROUP": "none"})) == set()


def test_who_lost_its_address_is_told_to_whom() -> None:
    table = build_routing(snapshot(*two(OLD, NEW)), POLICY)
    assert [drop.reason for drop in table.dropped["/old"]] == ["10.0.0.1 port 31000 is task new.0's of /new now"]


def test_a_task_that_lost_one_port_has_ended_and_serves_on_no_other() -> None:
    both = replace(OLD, ports=(31_005, 31_000))
    assert serving(*two(both, NEW)) == {"new.0"}


def test_the_last_task_of_a_service_does_not_stay_where_another_is_now() -> None:
    killed = replace(OLD, state="TASK_KILLING", unconfirmed="event", read=("TASK_RUNNING", None))
    assert serving(app("/old", killed)) == {"old.0"}
    assert serving(*two(killed, NEW)) == {"new.0"}


def test_tasks_of_one_port_at_two_addresses_keep_both() -> None:
    assert serving(*two(OLD, task(0, app="new", host="10.0.0.2"))) == {"old.0", "new.0"}


def test_in_the_exact_profile_each_app_has_what_it_says() -> None:
    assert serving(*two(OLD, NEW), policy=replace(POLICY, exact=True)) == {"old.0", "new.0"}


def test_an_address_that_is_free_again_goes_back_to_who_is_still_there() -> None:
    router = Router(POLICY)
    old, new = two(OLD, NEW)
    first = router.build(snapshot(old, new))
    assert first.endpoints["old_10000"] == ()
    without = router.build(snapshot(old, replace(new, tasks=())), first.holders)
    assert [endpoint.task_id for endpoint in without.endpoints["old_10000"]] == ["old.0"]
    assert "/old" not in without.dropped


def test_only_the_apps_at_an_address_with_a_new_owner_are_looked_at() -> None:
    owners = Owners()
    old, new = two(OLD, NEW)
    assert owners.update([old, app("/other", task(5))]) == set()
    assert owners.update([new]) == {"/old", "/new"}
    assert owners.update([replace(new, instances=7)]) == set()
    assert owners.update([], gone=["/new"]) == {"/old"}
    assert owners.of("/old") == {}


at_few_places = st.builds(
    Task,
    id=st.sampled_from(["t1", "t2"]),
    host=st.just("10.0.0.1"),
    address=st.sampled_from(["10.0.0.1", None]),
    ports=st.sampled_from([(31_000,), (31_001,), (31_000, 31_001), (0,)]),
    state=st.sampled_from(["TASK_RUNNING", "TASK_KILLING", "TASK_KILLED", "TASK_STAGING"]),
    staged_at=st.sampled_from(["", EARLY, LATE]),
    observed_s=st.sampled_from([0.0, 1.0, 2.0]),
)
clusters = st.dictionaries(
    st.sampled_from(["/a", "/b", "/c"]), st.lists(at_few_places, max_size=2, unique_by=lambda t: t.id), max_size=3
)


def cluster(tasks: dict[str, list[Task]]) -> Snapshot:
    named = {app_id: [replace(t, id=f"{app_id[1:]}.{t.id}") for t in found] for app_id, found in tasks.items()}
    return snapshot(*(app(app_id, *found, port=10_000 + ord(app_id[1])) for app_id, found in named.items()))


@given(st.lists(clusters, min_size=1, max_size=5))
def test_no_address_is_ever_served_twice_and_the_past_does_not_matter(history: list[dict[str, list[Task]]]) -> None:
    router = Router(POLICY)
    for tasks in history:
        table = router.build(cluster(tasks))
        assert table == build_routing(cluster(tasks), POLICY)
        served = [(e.address, e.port) for pool in table.endpoints.values() for e in pool]
        assert len(served) == len(set(served))
