"""Readiness: a task that a deployment started gets traffic once Marathon has heard that it is ready, and not before."""

from dataclasses import replace
from typing import Any

import pytest

from milepost.model.snapshot import App, Snapshot, Task
from milepost.routing.build import build_routing
from milepost.routing.policy import Policy
from milepost.sources.marathon.answer import read_apps_answer
from milepost.sources.marathon.readiness import with_readiness
from support.cluster import an_app, running
from support.fake_marathon import FakeMarathon, app, json_reply, task
from support.watching import Watch, settings_for, watching

NEW = running("new")
OLD = running("old")
POLICY = Policy(("external",))


def deploying(*tasks: Task) -> App:
    return replace(an_app("/web", *tasks), is_deploying=True)


@pytest.mark.parametrize(
    ("known", "read", "is_ready"),
    [
        ((OLD,), replace(NEW, is_ready=True), True),
        ((OLD,), replace(NEW, is_ready=False), False),
        ((OLD,), NEW, False),
        ((replace(NEW, state="TASK_STAGING"),), NEW, False),
        ((replace(NEW, unconfirmed="an event"),), NEW, False),
        ((replace(NEW, unconfirmed="an event", state="TASK_KILLING", read=("TASK_RUNNING", None)),), NEW, None),
        ((NEW,), NEW, None),
        ((replace(NEW, is_ready=False),), NEW, False),
        ((replace(NEW, is_ready=True),), NEW, True),
        ((replace(NEW, is_ready=False),), replace(NEW, is_ready=True), True),
    ],
)
def test_a_task_that_came_while_a_deployment_runs_waits_for_its_answer(
    known: tuple[Task, ...], read: Task, is_ready: bool | None
) -> None:
    assert with_readiness(an_app("/web", *known), deploying(read), 5.0).tasks[0].is_ready is is_ready


def test_a_new_app_s_tasks_wait_too_but_not_those_that_were_there_before_milepost() -> None:
    assert with_readiness(None, deploying(NEW), 5.0).tasks[0].is_ready is False
    first = deploying(NEW)
    assert with_readiness(None, first, 0.0) is first


def test_without_a_deployment_nobody_waits() -> None:
    read = an_app("/web", NEW)
    assert with_readiness(an_app("/web", replace(NEW, is_ready=False)), read, 5.0) is read


@pytest.mark.parametrize(
    ("policy", "served"),
    [(POLICY, 1), (replace(POLICY, readiness=False), 2), (replace(POLICY, exact=True), 2)],
)
def test_a_task_that_is_not_ready_gets_no_traffic_unless_the_operator_or_marathon_lb_s_profile_says_otherwise(
    policy: Policy, served: int
) -> None:
    other = replace(NEW, ports=(31001,), is_ready=False)
    table = build_routing(Snapshot({"/web": deploying(OLD, other)}, "m", 0.0), policy)
    assert len(table.endpoints["web_10000"]) == served
    reasons = [drop.reason for drop in table.dropped.get("/web", ())]
    assert reasons == ["is not ready yet, by its readiness check"] * (2 - served)


def web(*tasks: dict[str, Any], results: tuple[dict[str, Any], ...] = (), is_deploying: bool = True) -> dict[str, Any]:
    deployments = [{"id": "d"}] if is_deploying else []
    return app(
        "/web",
        list(tasks),
        readinessChecks=[{"name": "up", "portName": "http"}],
        readinessCheckResults=list(results),
        deployments=deployments,
    )


def result(instance: str, *, ready: object) -> dict[str, Any]:
    return {"name": "up", "taskId": instance, "ready": ready}


FIRST, SECOND = (task(f"web.instance-{number}._app.1", ports=(31000 + number,)) for number in (1, 2))


def ready(watch: Watch) -> list[bool | None]:
    found = watch.app()
    return [task.is_ready for task in found.tasks] if found else []


@pytest.mark.anyio
@pytest.mark.system
async def test_a_running_deployment_is_followed_though_no_event_tells_of_readiness() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web(FIRST, is_deploying=False))
        async with watching(settings_for(marathon, readiness_interval_s=0.02)) as watch:
            await watch.until(lambda watch: ready(watch) == [None])
            await marathon.streams(1)
            marathon.put(web(FIRST, SECOND))
            marathon.push("status_update_event", appId="/web", taskId=SECOND["id"], taskStatus="TASK_RUNNING")
            await watch.until(lambda watch: ready(watch) == [None, False])
            marathon.put(web(FIRST, SECOND, results=(result("web.instance-2", ready=False),)))
            asked = marathon.asked("/v2/apps/web")
            await marathon.until(lambda fake: fake.asked("/v2/apps/web") > asked + 1)
            assert ready(watch) == [None, False]
            marathon.put(web(FIRST, SECOND, results=(result("web.instance-2", ready=True),)))
            await watch.until(lambda watch: ready(watch) == [None, True])
            marathon.put(web(FIRST, SECOND, is_deploying=False))
            await watch.until(lambda watch: ready(watch) == [None, None])
            assert marathon.asked("/v2/apps") == 1, "single apps are read, not all of them"


@pytest.mark.anyio
@pytest.mark.system
async def test_a_deployment_that_ran_before_the_start_is_followed_too_and_nobody_loses_traffic_by_it() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web(FIRST, SECOND, results=(result("web.instance-2", ready=False),)))
        async with watching(settings_for(marathon, readiness_interval_s=0.02)) as watch:
            await watch.until(lambda watch: ready(watch) == [None, False])
            marathon.put(web(FIRST, SECOND, is_deploying=False))
            await watch.until(lambda watch: ready(watch) == [None, None])


@pytest.mark.anyio
@pytest.mark.system
async def test_switched_off_it_asks_for_no_results_and_follows_no_deployment() -> None:
    async with FakeMarathon() as marathon:
        marathon.put(web(FIRST), app("/db", [task("db.1")]))
        async with watching(settings_for(marathon, readiness=False, readiness_interval_s=0.01)) as watch:
            await watch.until(lambda watch: watch.snapshots)
            await marathon.streams(1)
            marathon.push("status_update_event", appId="/db", taskId="db.1", taskStatus="TASK_RUNNING")
            await marathon.until(lambda fake: fake.asked("/v2/apps/db") == 1)
        assert marathon.asked("/v2/apps/web") == 0
        assert {tuple(one.query["embed"]) for one in marathon.requests if "/v2/apps" in one.path} == {
            ("apps.tasks",),
            ("app.tasks",),
        }


def test_an_odd_result_is_no_reason_to_leave_an_app_unread() -> None:
    odd = web(FIRST, results=({"taskId": 7}, {"taskId": "web.instance-1", "ready": "yes"}))
    body = json_reply({"apps": [{**odd, "readinessCheckResults": [None, *odd["readinessCheckResults"]]}]}).body
    answer = read_apps_answer(body)
    assert (answer.problems, answer.apps["/web"].tasks[0].is_ready) == ((), False)
