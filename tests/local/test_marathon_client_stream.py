"""What the public client library `marathon` hears on the event stream, and the end of the scheduler it speaks to."""

from collections.abc import Iterator

import pytest
from marathon.models import MarathonApp, MarathonHealthCheck
from marathon.models.events import (
    MarathonAddHealthCheckEvent,
    MarathonApiPostEvent,
    MarathonAppTerminatedEvent,
    MarathonDeploymentFailed,
    MarathonDeploymentInfo,
    MarathonDeploymentStepSuccess,
    MarathonDeploymentSuccess,
    MarathonEventStreamAttached,
    MarathonGroupChangeSuccess,
    MarathonHealthStatusChangedEvent,
    MarathonInstanceChangedEvent,
    MarathonInstanceHealthChangedEvent,
    MarathonRemoveHealthCheckEvent,
    MarathonStatusUpdateEvent,
    MarathonUnhealthyInstanceKillEvent,
)

from support.marathon_client import OLD_LOGGING, PASSING, Local, local_process

pytestmark = [pytest.mark.system, OLD_LOGGING]


@pytest.fixture
def own() -> Iterator[Local]:
    """A scheduler that the test may stop."""
    with local_process() as local:
        yield local


def test_a_life_is_told_in_events_of_the_librarys_types(own: Local) -> None:
    with own.listening() as stream:
        own.create("/shop/web", health_checks=[PASSING])
        (task,) = own.running("/shop/web")
        own.client.update_app("/shop/web", MarathonApp(cmd="sleep 2000"))
        own.at_rest()
        own.client.delete_app("/shop/web")
        own.at_rest()
    assert stream.told(MarathonEventStreamAttached)[0].remote_address == "127.0.0.1"
    assert stream.told(MarathonApiPostEvent)[0].app_definition["id"] == "/shop/web"
    assert {each.group_id for each in stream.told(MarathonGroupChangeSuccess)} == {"/shop"}
    first = [each for each in stream.told(MarathonStatusUpdateEvent) if each.task_id == task.id]
    states = ["TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"]
    assert [each.task_status for each in first] == [each for each in states if each in {e.task_status for e in first}]
    assert {each.task_status for each in first} >= {"TASK_STAGING", "TASK_RUNNING", "TASK_KILLED"}
    assert first[-1].ip_addresses[0].ip_address == task.host
    assert {each.run_spec_id for each in stream.told(MarathonInstanceChangedEvent)} == {"/shop/web"}
    assert {each.alive for each in stream.told(MarathonHealthStatusChangedEvent)} == {True}
    assert {each.healthy for each in stream.told(MarathonInstanceHealthChangedEvent)} == {True}
    added = stream.told(MarathonAddHealthCheckEvent)
    assert {(each.app_id, each.health_check.protocol) for each in added} == {("/shop/web", "COMMAND")}
    assert {each.app_id for each in stream.told(MarathonRemoveHealthCheckEvent)} == {"/shop/web"}
    begun = stream.told(MarathonDeploymentInfo)
    actions = [action.action for each in begun for action in each.plan.steps[-1].actions]
    assert {"ScaleApplication", "RestartApplication", "StopApplication"} == set(actions)
    assert begun[0].plan.original.apps == []
    assert begun[0].plan.target.groups[0]["apps"][0]["id"] == "/shop/web"
    assert len(stream.told(MarathonDeploymentStepSuccess)) == len(begun)
    assert len(stream.told(MarathonDeploymentSuccess)) == 3
    assert [each.app_id for each in stream.told(MarathonAppTerminatedEvent)] == ["/shop/web"]


def test_only_the_types_that_were_asked_for_are_told(own: Local) -> None:
    wanted = (MarathonUnhealthyInstanceKillEvent, "deployment_failed")
    impatient = MarathonHealthCheck(
        protocol="COMMAND", command="false", grace_period_seconds=0, max_consecutive_failures=0
    )
    with own.listening(*wanted) as stream:
        own.client.create_app("/web", MarathonApp(cmd="sleep 1000", cpus=0.1, mem=16, health_checks=[impatient]))
        failure = own.until(lambda: own.client.get_app("/web").last_task_failure)
        own.client.delete_app("/web", force=True)
        own.at_rest()
    assert {type(each) for each in stream.events} == {MarathonUnhealthyInstanceKillEvent, MarathonDeploymentFailed}
    assert failure.message.startswith("Task was killed since health check failed. Reason: ")
    killed = stream.events[0]
    assert (killed.app_id, killed.task_id, killed.host) == ("/web", failure.task_id, failure.host)


def test_the_leader_can_be_ended(own: Local) -> None:
    assert own.client.delete_leader() == {"message": "Leadership abdicated"}
    assert own.process.wait(20) == 0
