"""Pods beside apps: followed by events as these are, and never in their way."""

from typing import Any

import pytest

from milepost.model.notice import SourceFailed
from milepost.sources.marathon.settings import MarathonSettings
from support.fake_marathon import FakeMarathon, Reply, app, task
from support.pods import container, instance, pod
from support.watching import Watch, settings_for, watching

pytestmark = [pytest.mark.anyio, pytest.mark.system]

ALL_PODS = "/v2/pods/::status"
ONE = pod(instance(1, container(port=31001)))
TWO = pod(instance(1, container(port=31001)), instance(2, container(port=31002)))


def with_pods(marathon: FakeMarathon, *pods: dict[str, Any], **changes: Any) -> MarathonSettings:
    marathon.put(app("/web", [task("web.1")]))
    marathon.pods = {one["id"]: one for one in pods}
    return settings_for(marathon, pods=True, **changes)


async def connected(marathon: FakeMarathon, watch: Watch) -> None:
    await watch.until(lambda watch: watch.snapshots)
    await marathon.streams(1)


def ports(watch: Watch, app_id: str = "/shop") -> list[int]:
    found = watch.app(app_id)
    return [task.ports[0] for task in found.tasks] if found else []


async def test_pods_stand_beside_apps_and_carry_the_name_of_their_cluster() -> None:
    async with FakeMarathon() as marathon, watching(with_pods(marathon, ONE, name="east")) as watch:
        await connected(marathon, watch)
        assert (list(watch.snapshots[0].apps), ports(watch, "east:/shop")) == (["east:/shop", "east:/web"], [31001])


@pytest.mark.parametrize("event", ["instance_changed_event", "pod_updated_event", "status_update_event"])
async def test_an_event_leads_to_the_read_of_that_pod_alone(event: str) -> None:
    async with FakeMarathon() as marathon, watching(with_pods(marathon, ONE)) as watch:
        await connected(marathon, watch)
        before = len(marathon.requests)
        marathon.pods = {"/shop": TWO}
        about = {"runSpecId": "/shop", "appId": "/shop", "uri": "/v2/pods/shop", "condition": "Running"}
        marathon.push(event, instanceId="shop.instance-2", taskId="shop.instance-2.web", **about)
        await watch.until(lambda watch: ports(watch) == [31001, 31002])
        assert {request.path for request in marathon.requests[before:]} == {"/v2/pods/shop::status"}


async def test_an_instance_that_is_killed_is_out_before_any_read() -> None:
    async with FakeMarathon() as marathon, watching(with_pods(marathon, TWO)) as watch:
        await connected(marathon, watch)
        held = marathon.hold("/v2/pods/shop::status")
        marathon.push("instance_changed_event", runSpecId="/shop", instanceId="shop.instance-1", condition="Killing")
        await watch.until(lambda watch: watch.states("/shop") == ["TASK_KILLING", "TASK_RUNNING"])
        held.set()


async def test_a_container_s_update_puts_no_other_task_in_the_place_of_its_instance() -> None:
    async with FakeMarathon() as marathon, watching(with_pods(marathon, ONE)) as watch:
        await connected(marathon, watch)
        held = marathon.hold("/v2/pods/shop::status")
        update = {"taskStatus": "TASK_RUNNING", "host": "10.0.0.1", "ports": [31001]}
        marathon.push("status_update_event", appId="/shop", taskId="shop.instance-1.web", **update)
        await marathon.until(lambda fake: fake.asked("/v2/pods/shop::status") == 1)
        assert ports(watch) == [31001]
        held.set()


async def test_what_events_say_of_an_app_once_more_costs_no_read() -> None:
    async with FakeMarathon() as marathon, watching(with_pods(marathon, ONE)) as watch:
        await connected(marathon, watch)
        marathon.push("instance_changed_event", runSpecId="/web", instanceId="web.1", condition="Killed")
        marathon.push("pod_updated_event", uri="/v2/pods/shop")
        await marathon.until(lambda fake: fake.asked("/v2/pods/shop::status") == 1)
        assert (marathon.asked("/v2/apps/web"), watch.states()) == (0, ["TASK_RUNNING"])


async def test_a_new_pod_comes_and_a_deleted_one_goes_by_event() -> None:
    async with FakeMarathon() as marathon, watching(with_pods(marathon)) as watch:
        await connected(marathon, watch)
        marathon.pods = {"/shop": ONE}
        marathon.push("status_update_event", appId="/shop", taskId="shop.instance-1.web", taskStatus="TASK_RUNNING")
        await watch.until(lambda watch: ports(watch) == [31001])
        marathon.pods = {}
        marathon.push("pod_deleted_event", uri="/v2/pods/shop")
        await watch.until(lambda watch: list(watch.snapshots[-1].apps) == ["/web"])


async def test_a_marathon_without_pods_is_asked_for_none_by_name() -> None:
    async with FakeMarathon() as marathon:
        settings = with_pods(marathon)
        marathon.pods = None
        async with watching(settings) as watch:
            await connected(marathon, watch)
            assert watch.snapshots[0].problems == ()
            marathon.apps.clear()
            marathon.push("app_terminated_event", appId="/web")
            await watch.until(lambda watch: not watch.snapshots[-1].apps)
            assert [request.path for request in marathon.requests if "pods" in request.path] == [ALL_PODS]


BAD = [Reply(503, b"busy", "text/plain"), Reply(200, b'{"message": "no list"}'), Reply(404, b"<html>", "text/html")]


@pytest.mark.parametrize("reply", BAD)
async def test_pods_that_cannot_be_read_stay_as_they_are_and_apps_go_on(reply: Reply) -> None:
    async with FakeMarathon() as marathon, watching(with_pods(marathon, ONE, read_interval_s=0.05)) as watch:
        await connected(marathon, watch)
        marathon.answer(ALL_PODS, reply, times=10_000)
        marathon.put(app("/web", [task("web.1"), task("web.2")]))
        await watch.until(lambda watch: watch.snapshots[-1].problems and len(watch.states()) == 2)
        assert ports(watch) == [31001]
        assert [problem.subject for problem in watch.snapshots[-1].problems] == ["pods"]
        assert watch.told(SourceFailed) == []


async def test_pods_that_are_slow_hold_up_no_app() -> None:
    async with FakeMarathon() as marathon:
        settings = with_pods(marathon, ONE, pods_wait_s=0.05)
        held = marathon.hold(ALL_PODS)
        async with watching(settings) as watch:
            await watch.until(lambda watch: watch.snapshots)
            assert list(watch.snapshots[0].apps) == ["/web"]
            assert "no answer in 0.05 s" in watch.snapshots[0].problems[0].message
            held.set()
