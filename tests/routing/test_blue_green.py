"""Two colours of one app are served as one, and as many old tasks are drained as new ones have come."""

from dataclasses import replace

import pytest

from milepost.model.snapshot import App, Task
from milepost.routing.blue_green import Merged, merge
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from support.apps import snapshot
from support.colours import colour, scaled, without

RUN = Policy(("external",))
EXACT = Policy(("external",), exact=True)
PROFILES = pytest.mark.parametrize("policy", [RUN, EXACT], ids=["run", "exact"])


STATES = [
    # what, blue, green, drained tasks of blue
    ("new starts", colour("blue", 3), colour("green", 1, healthy=0), 0),
    ("first healthy", colour("blue", 3), colour("green", 1), 1),
    ("midway", colour("blue", 2), colour("green", 2, healthy=1), 0),
    ("all healthy", colour("blue", 3), colour("green", 3), 3),
    ("below target", colour("blue", 4, target=20), colour("green", 2, target=20), 0),
    ("hybrid steady", colour("blue", 3, target=5), colour("green", 2, target=5), 0),
    ("never more than there are", colour("blue", 2, instances=9), colour("green", 3, target=1), 2),
    ("scaled down already", colour("blue", 3, instances=2), colour("green", 1), 0),
]


@PROFILES
@pytest.mark.parametrize(("what", "blue", "green", "drained"), STATES, ids=[state[0] for state in STATES])
def test_as_many_old_tasks_are_drained_as_the_target_allows(
    what: str, blue: App, green: App, drained: int, policy: Policy
) -> None:
    merged = merge("/web", [blue, green], policy)
    assert merged.drained == {f"web-blue.{number}" for number in range(drained)}
    assert merged.leader == "/web-blue"
    assert len(merged.app.tasks) == len(blue.tasks) + len(green.tasks)


@PROFILES
def test_the_colour_that_was_scaled_last_is_the_new_one(policy: Policy) -> None:
    blue, green = scaled(colour("blue", 2, target=3), 2), scaled(colour("green", 3), 1)
    merged = merge("/web", [blue, green], policy)
    assert merged.leader == "/web-green"
    assert merged.drained == {"web-green.0", "web-green.1"}


@PROFILES
def test_without_new_instances_all_may_drain_as_soon_as_one_is_left(policy: Policy) -> None:
    blue, green = colour("blue", 3), without(colour("green", 2), "DEPLOYMENT_NEW_INSTANCES")
    assert len(merge("/web", [blue, green], policy).drained) == 2
    assert len(merge("/web", [blue, green], replace(policy, deployment_target=True)).drained) == 2
    low = without(colour("green", 2, target=4), "DEPLOYMENT_NEW_INSTANCES")
    assert len(merge("/web", [blue, low], policy).drained) == 2
    assert len(merge("/web", [blue, low], replace(policy, deployment_target=True)).drained) == 1


@PROFILES
def test_on_a_tie_the_one_listed_first_is_the_new_one(policy: Policy) -> None:
    blue, green = (without(colour(name, 2), "DEPLOYMENT_STARTED_AT") for name in ("blue", "green"))
    blue, green = scaled(blue, 1), scaled(green, 1)
    assert merge("/web", [blue, green], policy).leader == "/web-green"
    assert merge("/web", [green, blue], policy).leader == ("/web-blue" if policy.exact else "/web-green")


@PROFILES
def test_a_third_colour_is_merged_with_what_the_first_two_came_to(policy: Policy) -> None:
    merged = merge("/web", [colour("blue", 3), colour("green", 1), colour("red", 1)], policy)
    assert merged.leader == "/web-blue"
    assert merged.drained == {"web-blue.0"}
    assert merged.owners == {**{f"web-blue.{n}": "/web-blue" for n in range(3)}, "web-green.0": "/web-green"} | {
        "web-red.0": "/web-red"
    }


MISFITS = [
    ({"DEPLOYMENT_STARTED_AT": "soon"}, "HAPROXY_DEPLOYMENT_STARTED_AT", "expected a date"),
    ({"DEPLOYMENT_STARTED_AT": "2026-01-02T12:00:00Z"}, "HAPROXY_DEPLOYMENT_STARTED_AT", "one of its dates has a time"),
    ({"DEPLOYMENT_TARGET_INSTANCES": "many"}, "HAPROXY_DEPLOYMENT_TARGET_INSTANCES", "expected a whole number"),
]


@PROFILES
@pytest.mark.parametrize(("labels", "subject", "message"), MISFITS, ids=lambda value: str(value)[:30])
def test_a_colour_that_cannot_be_compared_is_left_out_and_named(
    labels: dict[str, str], subject: str, message: str, policy: Policy
) -> None:
    green = colour("green", 2, labels={f"HAPROXY_{name}": text for name, text in labels.items()})
    table = build_routing(snapshot(colour("blue", 2), green), policy)
    assert [(found.app_id, found.subject) for found in table.problems] == [("/web-green", subject)]
    assert table.problems[0].message.startswith(message)
    assert [drop.app_id for drop in table.dropped["/web-green"]] == ["/web-green"]
    assert {endpoint.task_id for endpoint in table.endpoints["web_10000"]} == {"web-blue.0", "web-blue.1"}


@PROFILES
def test_a_colour_of_which_it_is_unknown_when_it_was_scaled_is_left_out(policy: Policy) -> None:
    merged = merge("/web", [colour("blue", 2), replace(colour("green", 2), last_scaling_at="")], policy)
    assert (merged.members, [drop.app_id for drop in merged.dropped]) == (("/web-blue",), ["/web-green"])


@PROFILES
@pytest.mark.parametrize("text", ["Fri, 02 Jan 2026 12:00:00", "2026-01-02 12:00", "20260102T120000"])
def test_dates_are_read_in_several_ways(text: str, policy: Policy) -> None:
    green = colour("green", 2, labels={"HAPROXY_DEPLOYMENT_STARTED_AT": text})
    assert not merge("/web", [colour("blue", 2), green], policy).dropped


def no_checks(merged_of: App) -> App:
    return replace(merged_of, definition=replace(merged_of.definition, health_checks=()))


def staging(app: App) -> App:
    return replace(app, tasks=tuple(replace(one, state="TASK_STAGING", health=None) for one in app.tasks))


def test_without_health_checks_only_tasks_that_run_make_old_ones_drain() -> None:
    """marathon-lb took the number of instances: the only old task was drained before the new one ran."""
    blue, green = no_checks(colour("blue", 1, target=1)), staging(no_checks(colour("green", 1, target=1)))
    assert merge("/web", [blue, green], EXACT).drained == {"web-blue.0"}
    assert merge("/web", [blue, green], RUN).drained == frozenset()


def drained(found: Merged) -> set[str]:
    return set(found.drained)


def test_a_new_task_that_is_killed_gives_its_place_back_to_an_old_one() -> None:
    blue, green = colour("blue", 3), colour("green", 1)
    dying: tuple[Task, ...] = tuple(replace(one, state="TASK_KILLING") for one in green.tasks)
    assert drained(merge("/web", [blue, green], RUN)) == {"web-blue.0"}
    assert drained(merge("/web", [blue, replace(green, tasks=dying)], RUN)) == set()


def test_where_one_colour_alone_has_health_checks_its_word_is_needed_before_anything_drains() -> None:
    """The old colour's checks are obeyed: a new task without a result gets no traffic yet, so none is taken away."""
    unchecked = no_checks(colour("green", 1))
    unchecked = replace(unchecked, tasks=tuple(replace(one, health=None) for one in unchecked.tasks))
    assert drained(merge("/web", [colour("blue", 3), unchecked], RUN)) == set()
    assert drained(merge("/web", [no_checks(colour("blue", 3)), colour("green", 1, healthy=0)], RUN)) == set()
    assert drained(merge("/web", [no_checks(colour("blue", 3)), colour("green", 1)], RUN)) == {"web-blue.0"}
